"""What Schemathesis is to take for right, although the OpenAPI document does not say so, and why."""

import json
import re

import schemathesis

# Rules that no JSON Schema can tell: each is a field and the beginning of what is said of it. An answer of 422 that
# names anything else, too, is a failure.
UNTOLD = [
    # cursors are opaque, and belong to one list
    ("cursor", "is invalid"),
    ("cursor", "belongs to a list with other filters"),
    # parameters of a query that contradict each other: OpenAPI describes each by itself
    ("cursor", "must not be combined with offset"),
    ("completed", "must not contradict status"),
    ("due_date_end", "must not be before due_date_start"),
    # members of a body that contradict each other
    ("revoke_tokens", "must be false or absent"),
    # members of a change that contradict each other
    ("status", "must not contradict completed"),
    # duplicates are removed before tags are counted, ignoring case
    ("tags", "must contain at most 20"),
    # the IANA database has them, and changes
    ("time_zone", ""),
    # passwords that are guessed first, and the one of the account
    ("password", "must not be"),
    ("new_password", "must not be"),
    ("password", "is not the password"),
    ("current_password", "is not the password"),
    # secrets that were mailed
    ("token", ""),
]

# Rules that a regular expression could tell, but none that people could read: texts are trimmed first, and then have
# no control characters.
UNTOLD_OF_TEXTS = ["must not contain the control character", "must not be empty"]


def is_untold(error):
    field = error["field"].rsplit(".", 1)[-1]
    message = error["message"]
    if message.startswith("item "):
        message = message.split(" ", 2)[2]
    return any(message.startswith(beginning) for beginning in UNTOLD_OF_TEXTS) or any(
        field == name and message.startswith(beginning) for name, beginning in UNTOLD
    )


@schemathesis.hook
def filter_failure(context, failure, case, response):
    problem = body_of(response)
    # Schema-valid request rejected
    if failure.code == "ST202":
        # the tool sends `0` for a header whose pattern does not allow it
        if not headers_are_valid(case):
            return False
        # an entity tag that is not the task's is no fault of the request's form (RFC 9110, 15.5.13)
        if response.status_code == 412:
            return False
        if response.status_code == 422:
            # a key that came before with another body (draft-ietf-httpapi-idempotency-key-header, 2.7)
            if problem.get("code") == "idempotency_key_reused":
                return False
            errors = problem.get("errors", [])
            return not (errors and all(is_untold(error) for error in errors))
    # Schema-violating request accepted
    if failure.code == "ST201":
        # without `atomic`, what is wrong about a change is said in its own result, and the answer is 200
        if case.operation.label.endswith("/tasks/batch") and isinstance(case.body, dict):
            return case.body.get("atomic") is not False
    return True


def headers_are_valid(case):
    return all(
        re.search(parameter["schema"].get("pattern", ""), str(case.headers[parameter["name"]]))
        for parameter in case.operation.definition.raw.get("parameters", [])
        if parameter["in"] == "header" and parameter["name"] in case.headers
    )


def body_of(response):
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
