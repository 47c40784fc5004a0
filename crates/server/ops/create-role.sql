-- Makes the role of the server, which is no superuser, and the database that it owns. The image of PostgreSQL runs this on
-- an empty volume, as the superuser, through a socket.
\set ON_ERROR_STOP on
\set password `cat /database-secrets/todo`
CREATE ROLE todo LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE todo OWNER todo;
REVOKE ALL ON DATABASE todo FROM PUBLIC;
