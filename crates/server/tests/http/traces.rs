//! Traces: `traceparent`, and what is sent to a collector

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use prost::Message;
use rstest::rstest;
use serde_json::{Value as Json, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{PASSWORD, Server, eventually, without_colours};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A collector that takes everything.
pub(crate) struct Collector {
    address: String,
    taken: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let kept = Arc::clone(&kept);
                thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some(body) = read_request(&mut stream) {
                        let request = ExportTraceServiceRequest::decode(&*body).unwrap();
                        kept.lock().unwrap().push(request);
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                        stream.get_mut().write_all(answer).unwrap();
                    }
                });
            }
        });
        Self { address, taken }
    }

    fn server(&self, kind: Kind) -> Option<Server> {
        self.server_with(kind, &[("LOG_FORMAT", "json")])
    }

    /// A server that sends its traces here, with further variables.
    pub(crate) fn server_with(&self, kind: Kind, variables: &[(&str, &str)]) -> Option<Server> {
        let traces = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*self.address),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ];
        Server::with(kind, &[&traces, variables].concat())
    }

    /// The spans of a trace that were taken so far.
    pub(crate) fn spans(&self, trace: &str) -> Vec<Span> {
        let taken = self.taken.lock().unwrap();
        let spans = taken
            .iter()
            .flat_map(|request| &request.resource_spans)
            .flat_map(|resource| &resource.scope_spans)
            .flat_map(|scope| &scope.spans);
        spans
            .filter(|span| hexadecimal(&span.trace_id) == trace)
            .cloned()
            .collect()
    }

    /// The spans of a trace as soon as there are so many.
    fn eventually(&self, trace: &str, count: usize) -> Vec<Span> {
        eventually("the spans are sent", || self.spans(trace).len() >= count);
        self.spans(trace)
    }
}

/// The body of the next request, which must be one for traces.
fn read_request(stream: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = String::new();
    stream
        .read_line(&mut line)
        .ok()
        .filter(|length| *length > 0)?;
    assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "content-type" => assert_eq!(value, "application/x-protobuf"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some(body)
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

pub(crate) fn attribute(span: &Span, name: &str) -> Option<String> {
    let KeyValue { value, .. } = span.attributes.iter().find(|known| known.key == name)?;
    match value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

pub(crate) fn parent(trace: &str, flags: &str) -> String {
    format!("00-{trace}-{PARENT}-{flags}")
}

/// The lines that say that a request was answered.
fn answered(server: &Server) -> Vec<Json> {
    let log = server.log();
    // The last line may not be whole yet.
    let (whole, _) = log.rsplit_once('\n').unwrap_or_default();
    let lines = whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Json| line["message"] == "answered")
        .collect()
}

#[rstest]
fn a_request_is_a_span_with_one_for_its_use_case_and_one_for_each_statement(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let collector = Collector::start();
    let Some(server) = collector.server(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let traceparent = parent(TRACE, "01");
    let headers = [("traceparent", &*traceparent), ("x-request-id", "an-id")];
    assert_eq!(client.send("GET", &path, &headers, &[]).status, 200);
    // The request, the use case, and a use of the database with a statement: one round trip, since the session was seen
    // by the request before.
    let spans = collector.eventually(TRACE, 4);
    let named = |name: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "{name}: {spans:#?}");
        found[0]
    };
    let request = named("GET /api/tasks/{id}");
    assert_eq!(request.kind(), SpanKind::Server);
    assert_eq!(hexadecimal(&request.parent_span_id), PARENT);
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/api/tasks/{id}"),
        ("http.response.status_code", "200"),
        ("todo.request_id", "an-id"),
    ] {
        assert_eq!(attribute(request, name).as_deref(), Some(value), "{name}");
    }
    let use_case = named("tasks::get::get");
    assert_eq!(use_case.parent_span_id, request.span_id);
    let system = match kind {
        Sqlite => "sqlite",
        Postgres => "postgresql",
    };
    let (read, select) = (named("read"), named("SELECT"));
    assert_eq!(spans.len(), 4);
    assert_eq!(read.parent_span_id, use_case.span_id);
    assert_eq!(select.parent_span_id, read.span_id);
    assert_eq!(select.kind(), SpanKind::Client);
    assert_eq!(attribute(select, "db.system.name").as_deref(), Some(system));
}

#[test]
fn no_span_has_a_value_in_it_that_a_client_sent() {
    let collector = Collector::start();
    let server = collector.server(Sqlite).unwrap();
    let mut client = server.client();
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada Lovelace"});
    let answer = client.post("/api/auth/register", &body);
    client.sign_in(&answer);
    client.task("Buy milk");
    assert_eq!(client.get("/api/tasks/search?q=milk").status, 200);
    drop(client.get("/no/such/milk"));
    let traceparent = parent(TRACE, "01");
    let headers = [("traceparent", &*traceparent)];
    client.send("GET", "/api/tasks", &headers, &[]);
    collector.eventually(TRACE, 4);
    let taken = format!("{:?}", collector.taken.lock().unwrap());
    assert!(taken.contains("INSERT INTO"), "{taken}");
    for value in ["ada@", PASSWORD, "Lovelace", "milk", "binds", "$argon2"] {
        assert!(!taken.contains(value), "{value}");
    }
}

#[test]
fn an_answer_that_is_our_fault_is_an_error_in_the_trace() {
    let collector = Collector::start();
    let Some(server) = collector.server(Postgres) else {
        return;
    };
    let client = server.user("ada@example.com");
    server.database.as_ref().unwrap().take_away();
    let traceparent = parent(TRACE, "01");
    let headers = [("traceparent", &*traceparent)];
    assert_eq!(client.send("GET", "/api/tasks", &headers, &[]).status, 503);
    server.database.as_ref().unwrap().bring_back();
    let is_request = |span: &Span| span.kind() == SpanKind::Server;
    eventually("the request is sent", || {
        collector.spans(TRACE).iter().any(is_request)
    });
    let spans = collector.spans(TRACE);
    let request = spans.iter().find(|span| is_request(span)).unwrap();
    let status = request.status.as_ref().unwrap();
    assert_eq!(status.code(), StatusCode::Error);
    let code = attribute(request, "error.type");
    assert_eq!(code.as_deref(), Some("storage_unavailable"));
}

#[test]
fn what_the_caller_does_not_record_is_not_sent() {
    let collector = Collector::start();
    let server = collector.server(Sqlite).unwrap();
    let client = server.client();
    let other = "1af7651916cd43dd8448eb211c80319c";
    for (trace, flags) in [(other, "00"), (TRACE, "01")] {
        let traceparent = parent(trace, flags);
        let headers = [("traceparent", &*traceparent)];
        assert_eq!(
            client.send("GET", "/health/live", &headers, &[]).status,
            200
        );
    }
    collector.eventually(TRACE, 1);
    assert!(collector.spans(other).is_empty());
}

#[test]
fn a_request_without_a_valid_parent_begins_a_trace_that_the_log_names() {
    let collector = Collector::start();
    let server = collector.server(Sqlite).unwrap();
    let client = server.client();
    let invalid = parent(&"0".repeat(32), "01");
    for headers in [&[("traceparent", &*invalid)][..], &[]] {
        assert_eq!(client.send("GET", "/health/live", headers, &[]).status, 200);
    }
    // Another thread writes down what the server logs.
    eventually("both are in the log", || answered(&server).len() == 2);
    let lines = answered(&server);
    for line in lines {
        let trace = line["span"]["trace_id"].as_str().unwrap();
        assert_ne!(trace, "0".repeat(32));
        let spans = collector.eventually(trace, 1);
        assert_eq!(spans[0].name, "GET /health/live");
        assert!(spans[0].parent_span_id.is_empty());
    }
}

#[test]
fn what_was_not_sent_yet_is_sent_before_the_server_ends() {
    let collector = Collector::start();
    let mut server = Server::with(
        Sqlite,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.address),
            ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ],
    )
    .unwrap();
    let traceparent = parent(TRACE, "01");
    let headers = [("traceparent", &*traceparent)];
    server.client().send("GET", "/health/live", &headers, &[]);
    assert!(collector.spans(TRACE).is_empty());
    let process = server.process_id().to_string();
    let killed = Command::new("kill").args(["-TERM", &process]).status();
    assert!(killed.unwrap().success());
    assert!(server.wait().success());
    assert_eq!(collector.spans(TRACE).len(), 1);
}

#[test]
fn a_collector_that_is_away_costs_a_client_nothing_and_is_in_the_log() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = Server::with(
        Sqlite,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*address),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ],
    )
    .unwrap();
    let client = server.client();
    for _ in 0..10 {
        assert_eq!(client.get("/health/ready").status, 200);
    }
    eventually("the log says so", || server.log().contains("ExportError"));
}

#[test]
fn without_a_collector_the_log_names_the_trace_of_the_caller_and_makes_none() {
    let server = Server::start(Sqlite).unwrap();
    let client = server.client();
    let traceparent = parent(TRACE, "01");
    let headers = [("traceparent", &*traceparent), ("x-request-id", "first")];
    client.send("GET", "/health/live", &headers, &[]);
    let invalid = parent("0af7", "01");
    let headers = [("traceparent", &*invalid), ("x-request-id", "second")];
    client.send("GET", "/health/live", &headers, &[]);
    // Another thread writes down what the server logs.
    eventually("both are in the log", || {
        server.log().matches("answered").count() == 2
    });
    let log = without_colours(&server.log());
    let line = |id: &str| {
        let mark = format!("id=\"{id}\"");
        log.lines()
            .find(|line| line.contains(&mark) || line.contains(&mark.replace('"', "")))
            .unwrap_or_else(|| panic!("no {id}: {log}"))
    };
    assert!(line("first").contains(TRACE), "{log}");
    assert!(!line("second").contains("trace_id"), "{log}");
}
