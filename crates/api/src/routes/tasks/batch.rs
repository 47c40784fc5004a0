//! Many changes at once.

use std::{borrow::Cow, str::FromStr};

use serde::Serialize;
use serde_json::Value;
use todo_application::todo::{Done, WantedOperation, apply_todos};
use todo_domain::{
    Atomicity, Batch, CompletionChange, OperationOutcome, Scope, TodoChange, TodoId,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Ref, RefOr, Schema},
};

use super::{create::read_new, update::read_change};
use crate::{
    fields::{Fields, array, boolean, text},
    problem::{Problem, ProblemBody},
    reply::Reply,
    request::Request,
    violations::{FieldError, MAX_VIOLATIONS, Violations},
    wire::TaskResponse,
};

/// One change, of the kind in `op`; `openapi_rules` has the schema of each kind.
pub(crate) struct Operation;

impl PartialSchema for Operation {
    fn schema() -> RefOr<Schema> {
        Ref::from_schema_name("Operation").into()
    }
}

impl ToSchema for Operation {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Operation")
    }
}

/// Changes, executed in order in one transaction.
#[derive(ToSchema)]
#[schema(as = Batch)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct BatchBody {
    /// 1 to 100 changes. Besides `op`, a `create` has the fields of a new task, an `update` has an `id` and the fields
    /// to change, and `complete` and `delete` have an `id`. An invalid change refuses the batch; with `"atomic":
    /// false`, it is reported in its result.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<Operation>,
        example = json!([{"op": "create", "title": "Buy milk"}]))]
    operations: Vec<Value>,
    /// Whether the batch is atomic (the default). With `false`, each change succeeds or fails independently.
    #[schema(default = true)]
    atomic: Option<bool>,
}

/// The results of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResult)]
pub(crate) struct BatchResponse<'a> {
    /// One result per change, in the same order.
    results: Vec<OperationResult<'a>>,
}

/// The result of a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationResult)]
pub(crate) struct OperationResult<'a> {
    /// Status that the change would have as a single request: 200, 201, 204, 404 or 422.
    #[schema(example = 201)]
    status: u16,
    /// The changed task.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<TaskResponse<'a>>,
    /// Error code, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// Description of the error, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Violations. The results of a batch list at most 20 in all; `detail` has the number of further ones.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
}

/// A change, or its violations.
type Read = Result<WantedOperation, Violations>;

fn read(fields: &mut Fields) -> Option<(Batch<Read>, Atomicity)> {
    let operations = fields.required("operations", items);
    let atomic = fields.optional("atomic", boolean);
    let atomicity = if atomic?.unwrap_or(true) {
        Atomicity::AllOrNothing
    } else {
        Atomicity::EachForItself
    };
    Some((operations?.map(read_operation), atomicity))
}

fn items(value: Value) -> Result<Batch<Value>, String> {
    Batch::new(array(Ok)(value)?).map_err(|error| error.to_string())
}

fn read_operation(item: Value) -> Read {
    let Value::Object(members) = item else {
        return Err(Violations::one("op", "is required, in an object"));
    };
    Fields::collect(members.into_iter().collect(), |fields| {
        let op = fields.required("op", text(Op::from_str));
        match op? {
            Op::Create => read_new(fields).map(WantedOperation::Create),
            Op::Update => {
                let id = read_id(fields);
                let change = read_change(fields);
                Some(WantedOperation::Update {
                    id: id?,
                    change: change?,
                })
            }
            Op::Complete => Some(WantedOperation::Update {
                id: read_id(fields)?,
                change: TodoChange {
                    completion: CompletionChange::To(true),
                    ..TodoChange::default()
                },
            }),
            Op::Delete => Some(WantedOperation::Delete {
                id: read_id(fields)?,
            }),
        }
    })
}

fn read_id(fields: &mut Fields) -> Option<TodoId> {
    fields.required("id", text(TodoId::from_str))
}

enum Op {
    Create,
    Update,
    Complete,
    Delete,
}

impl FromStr for Op {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "create" => Ok(Self::Create),
            "update" => Ok(Self::Update),
            "complete" => Ok(Self::Complete),
            "delete" => Ok(Self::Delete),
            _ => Err("must be create, update, complete or delete"),
        }
    }
}

/// Change several tasks
///
/// Changes are atomic or independent. Errors number them from 0. An `Idempotency-Key` is stored only with a response of
/// status 200.
#[utoipa::path(post, path = "/api/tasks/batch", operation_id = "changeTasks", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Key of the request. A repetition within 24 hours changes nothing and returns the first response")),
    request_body = BatchBody,
    responses(
        (status = 200, description = "The result of each change", body = BatchResponse),
        (status = 404, description = "One of the tasks does not exist; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "A quota would be exceeded (`quota_exceeded`), or a request with the same `Idempotency-Key` is in progress", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn batch(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller(Scope::WriteTodos, |app, caller, input| {
            let ((operations, atomicity), once) = input.body_once(read)?;
            if atomicity == Atomicity::AllOrNothing {
                refuse_faults(&operations)?;
            }
            let wanted = operations.filter_map(|operation| operation.as_ref().ok().cloned());
            let body = |outcomes: &[OperationOutcome]| {
                Ok(serde_json::to_string(&BatchResponse::new(
                    &operations,
                    outcomes,
                ))?)
            };
            match apply_todos(app, caller, wanted, atomicity, once, body)? {
                Done::Now(outcomes) => Reply::ok(&BatchResponse::new(&operations, &outcomes)),
                Done::Before(body) => Ok(Reply::ok_before(body)),
            }
        })
        .await
}

/// All or nothing: one violation refuses them all, and the first ones are named.
fn refuse_faults(operations: &Batch<Read>) -> Result<(), Problem> {
    let mut violations = Violations::default();
    for (index, operation) in (0_usize..).zip(operations) {
        if let Err(of_operation) = operation {
            violations.extend(&format!("operations[{index}]."), of_operation);
        }
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(violations))
    }
}

impl<'a> BatchResponse<'a> {
    /// The results list no more violations together than one problem does.
    fn new(operations: &'a Batch<Read>, outcomes: &'a [OperationOutcome]) -> Self {
        let mut outcomes = outcomes.iter();
        let mut listed = MAX_VIOLATIONS;
        let results = operations.iter().map(|operation| match operation {
            Err(violations) => {
                let errors = violations.listed();
                let (errors, _) = errors.split_at(errors.len().min(listed));
                listed -= errors.len();
                OperationResult::invalid(violations, errors)
            }
            Ok(wanted) => OperationResult::of(wanted, outcomes.next()),
        });
        Self {
            results: results.collect(),
        }
    }
}

impl<'a> OperationResult<'a> {
    fn with_status(status: u16) -> Self {
        Self {
            status,
            task: None,
            code: None,
            detail: None,
            errors: &[],
        }
    }

    fn invalid(violations: &Violations, errors: &'a [FieldError]) -> Self {
        let problem = Problem::invalid(violations.clone());
        Self {
            code: Some(problem.code()),
            detail: Some(problem.to_string()),
            errors,
            ..Self::with_status(422)
        }
    }

    fn of(wanted: &WantedOperation, outcome: Option<&'a OperationOutcome>) -> Self {
        match outcome {
            Some(OperationOutcome::Written(todo)) => Self {
                task: Some(todo.into()),
                ..Self::with_status(match wanted {
                    WantedOperation::Create(_) => 201,
                    WantedOperation::Update { .. } | WantedOperation::Delete { .. } => 200,
                })
            },
            Some(OperationOutcome::Deleted) => Self::with_status(204),
            Some(OperationOutcome::NotFound) | None => {
                let problem = crate::errors::task_not_found();
                Self {
                    code: Some(problem.code()),
                    detail: Some(problem.to_string()),
                    ..Self::with_status(404)
                }
            }
        }
    }
}
