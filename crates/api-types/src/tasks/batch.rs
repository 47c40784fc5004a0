//! The body of several changes, and their results.

use std::{borrow::Cow, str::FromStr};

use serde::Serialize;
use serde_json::Value;
use todo_application::todo::WantedOperation;
use todo_domain::{Atomicity, Batch, CompletionChange, OperationOutcome, TodoChange, TodoId};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Ref, RefOr, Schema},
};

use super::{new_task::read_new_task, task_change::read_task_change};
use crate::{
    errors::task_not_found,
    fields::{Fields, array, boolean, text},
    problem::Problem,
    violations::{FieldError, MAX_VIOLATIONS, Violations},
    wire::TaskResponse,
};

/// One change, of the kind in `op`; the OpenAPI document has the schema of each kind.
#[derive(Debug)]
pub struct Operation;

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
#[derive(Debug, ToSchema)]
#[schema(as = Batch)]
#[expect(dead_code, reason = "it describes what `read_batch` reads")]
pub struct BatchBody {
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
pub struct BatchResponse<'a> {
    /// One result per change, in the same order.
    results: Vec<OperationResult<'a>>,
}

/// The result of a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationResult)]
pub struct OperationResult<'a> {
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
pub type ReadOperation = Result<WantedOperation, Violations>;

/// Reads a batch.
pub fn read_batch(fields: &mut Fields) -> Option<(Batch<ReadOperation>, Atomicity)> {
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

fn read_operation(item: Value) -> ReadOperation {
    let Value::Object(members) = item else {
        return Err(Violations::one("op", "is required, in an object"));
    };
    Fields::collect(members.into_iter().collect(), |fields| {
        let op = fields.required("op", text(Op::from_str));
        match op? {
            Op::Create => read_new_task(fields).map(WantedOperation::Create),
            Op::Update => {
                let id = read_id(fields);
                let change = read_task_change(fields);
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

/// All or nothing: one violation refuses them all, and the first ones are named.
///
/// # Errors
/// The violations of all changes, as one problem.
pub fn require_valid(operations: &Batch<ReadOperation>) -> Result<(), Problem> {
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
    #[must_use]
    pub fn new(operations: &'a Batch<ReadOperation>, outcomes: &'a [OperationOutcome]) -> Self {
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
                let problem = task_not_found();
                Self {
                    code: Some(problem.code()),
                    detail: Some(problem.to_string()),
                    ..Self::with_status(404)
                }
            }
        }
    }
}
