//! Query parameters of lists.

use std::str::FromStr;

use todo_application::todo::{DueQuery, ListTodos};
use todo_domain::{
    Days, Direction, DuePeriod, Page, PageLimit, PageStart, Priority, SearchText, SortKey, Tag,
    Tags, TimeZone, TodoFilter, TodoOrder, date,
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    cursor::{self, ListIdentity},
    fields::{Fields, text},
    wire::{PriorityName, TagText},
};

/// Filters of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `read_list` reads")]
pub struct ListQuery {
    /// Filter by completion; `all` by default.
    #[param(inline)]
    status: Option<Status>,
    /// Alternative to `status`, which it must not contradict.
    completed: Option<bool>,
    /// Filter by priority.
    #[param(inline)]
    priority: Option<PriorityName>,
    /// Filter by tag. May be repeated up to 20 times; tasks must have all of the tags.
    #[param(inline, max_items = 20)]
    tag: Option<Vec<TagText>>,
    /// Text that title or description must contain, ignoring case.
    #[param(min_length = 1, max_length = 255, pattern = r"\S")]
    q: Option<String>,
    /// Due on this day.
    #[param(format = Date, example = "2026-12-05")]
    due_date: Option<String>,
    /// Due on or after this day.
    #[param(format = Date)]
    due_date_start: Option<String>,
    /// Due on or before this day.
    #[param(format = Date)]
    due_date_end: Option<String>,
    /// Due in this period, relative to now. A week begins on Monday.
    #[param(inline)]
    due: Option<Period>,
    /// IANA time zone in which days begin; by default the time zone of the account, or `UTC`.
    #[param(example = "Europe/Berlin")]
    time_zone: Option<String>,
}

/// Order and page of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `read_page` reads")]
pub struct PageQuery {
    /// Sort key; `created_at` by default. Tasks without a due date are sorted as due last.
    #[param(inline)]
    sort: Option<Sort>,
    /// Sort direction; by default descending for `created_at`, `updated_at` and `priority`, ascending for the others.
    #[param(inline)]
    order: Option<Order>,
    /// Maximum number of tasks.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u16>,
    /// Number of tasks to skip.
    #[param(minimum = 0, default = 0)]
    offset: Option<u32>,
    /// `next_cursor` of the previous page, with the same filters and order.
    cursor: Option<String>,
    /// Include `total` even if it requires another query.
    total: Option<bool>,
}

/// The query of a search.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `read_search` reads")]
pub struct SearchQuery {
    /// Text that title or description must contain, ignoring case.
    #[param(min_length = 1, max_length = 255, pattern = r"\S")]
    q: String,
    /// Filter by completion; `all` by default.
    #[param(inline)]
    status: Option<Status>,
}

/// Completion of a task.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "it describes what `status` reads")]
pub enum Status {
    Pending,
    Completed,
    All,
}

/// Due period relative to now.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(missing_docs, reason = "it describes what a DuePeriod is on the wire")]
pub enum Period {
    Overdue,
    Today,
    Tomorrow,
    ThisWeek,
    NextWeek,
    None,
}

/// Sort key.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(missing_docs, reason = "it describes what a SortKey is on the wire")]
pub enum Sort {
    CreatedAt,
    UpdatedAt,
    DueDate,
    Priority,
    Title,
}

/// Sort direction.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "it describes what a Direction is on the wire")]
pub enum Order {
    Asc,
    Desc,
}

/// A list and its identity in cursors.
#[derive(Debug)]
pub struct WantedList {
    /// The input of the use case.
    pub input: ListTodos,
    /// The identity of the list in cursors.
    pub identity: ListIdentity,
}

/// Reads the query of a list.
pub fn read_list(fields: &mut Fields) -> Option<WantedList> {
    let identity = identity(fields);
    let completed = read_completed(fields);
    let priority = fields.optional("priority", text(Priority::from_str));
    let tags = fields.repeated("tag", Tags::MAX, text(Tag::new));
    let text = fields.optional("q", text(SearchText::new));
    let due = read_due(fields);
    let page = read_page(fields, identity);
    let (page, with_total) = page?;
    Some(WantedList {
        input: ListTodos {
            filter: TodoFilter {
                completed: completed?,
                priority: priority?,
                tags: tags?,
                due: Vec::new(),
                text: text?,
            },
            due: due?,
            page,
            with_total,
        },
        identity,
    })
}

/// Reads the query of a search.
pub fn read_search(fields: &mut Fields) -> Option<WantedList> {
    let identity = identity(fields);
    let text = fields.required("q", text(SearchText::new));
    let completed = fields.optional("status", self::text(status));
    let page = read_page(fields, identity);
    let (page, with_total) = page?;
    Some(WantedList {
        input: ListTodos {
            filter: TodoFilter {
                completed: completed?.flatten(),
                text: Some(text?),
                ..TodoFilter::default()
            },
            due: DueQuery::default(),
            page,
            with_total,
        },
        identity,
    })
}

/// The identity of a list: its filters and order, without the page.
fn identity(fields: &Fields) -> ListIdentity {
    const OF_THE_PAGE: [&str; 4] = ["cursor", "limit", "offset", "total"];
    let parameters = fields.texts();
    ListIdentity::of(parameters.filter(|(name, _)| !OF_THE_PAGE.contains(&name.as_str())))
}

/// Reads `status` and `completed`, which say the same; `Some(None)` is any.
fn read_completed(fields: &mut Fields) -> Option<Option<bool>> {
    let status = fields.optional("status", text(status));
    let completed = fields.optional("completed", text(boolean));
    match (status?.flatten(), completed?) {
        (Some(status), Some(completed)) if status != completed => {
            fields.contradiction("completed", "must not contradict status")
        }
        (status, completed) => Some(status.or(completed)),
    }
}

fn read_due(fields: &mut Fields) -> Option<DueQuery> {
    let day = fields.optional("due_date", text(date));
    let first = fields.optional("due_date_start", text(date));
    let last = fields.optional("due_date_end", text(date));
    let period = fields.optional("due", text(DuePeriod::from_str));
    let time_zone = fields.optional("time_zone", text(TimeZone::from_str));
    let (first, last) = (first?, last?);
    let mut days: Vec<Days> = day?.map(Days::one).into_iter().collect();
    if first.is_some() || last.is_some() {
        match Days::new(first, last) {
            Ok(range) => days.push(range),
            Err(_) => {
                return fields.contradiction("due_date_end", "must not be before due_date_start");
            }
        }
    }
    Some(DueQuery {
        period: period?,
        days,
        time_zone: time_zone?,
    })
}

/// Reads which part of a list is wanted in which order, and whether the total is.
fn read_page(fields: &mut Fields, list: ListIdentity) -> Option<(Page, bool)> {
    let key = fields.optional("sort", text(SortKey::from_str));
    let direction = fields.optional("order", text(Direction::from_str));
    let limit = fields.optional("limit", text(limit));
    let offset = fields.optional("offset", text(offset));
    let cursor = fields.optional("cursor", text(|text| Ok::<_, String>(text.to_owned())));
    let total = fields.optional("total", text(boolean));
    let key = key?.unwrap_or_default();
    let order = TodoOrder {
        key,
        direction: direction?.unwrap_or(key.usual_direction()),
    };
    let (limit, offset, total) = (limit?.unwrap_or_default(), offset?, total?);
    let start = match (offset, cursor?) {
        (Some(_), Some(_)) => {
            return fields.contradiction("cursor", "must not be combined with offset");
        }
        (_, Some(cursor)) => match cursor::read(&cursor, list, order) {
            Ok(position) => PageStart::After(position),
            Err(error) => return fields.contradiction("cursor", &error.to_string()),
        },
        (offset, None) => PageStart::Offset(offset.unwrap_or_default()),
    };
    let page = Page {
        order,
        start,
        limit,
    };
    Some((page, total.unwrap_or(offset.is_some())))
}

fn status(text: &str) -> Result<Option<bool>, &'static str> {
    match text {
        "pending" => Ok(Some(false)),
        "completed" => Ok(Some(true)),
        "all" => Ok(None),
        _ => Err("must be pending, completed or all"),
    }
}

fn limit(text: &str) -> Result<PageLimit, &'static str> {
    text.parse()
        .ok()
        .and_then(|limit| PageLimit::new(limit).ok())
        .ok_or("must be a whole number from 1 to 1000")
}

fn offset(text: &str) -> Result<u32, &'static str> {
    text.parse()
        .ok()
        .ok_or("must be a whole number from 0 to 4294967295")
}

fn boolean(text: &str) -> Result<bool, &'static str> {
    text.parse().ok().ok_or("must be true or false")
}
