//! Lists on pages: searched, filtered, sorted, with keyset pagination.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, FromRow};

use super::sql::{self, Value};
use super::{Connection, Error};
use crate::domain::folding::case_fold;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::pagination::{Cursor, MAX_COUNTED, PAGE_SIZE, Page, PagePosition};
use crate::domain::time::Timestamp;

/// The order of a list.
#[derive(Clone, Copy)]
pub struct Order {
    /// A column or expression that is never NULL.
    column: &'static str,
    kind: SortType,
    /// An integer column that orders rows with the same value.
    tie_breaker: &'static str,
    descending: bool,
}

impl Order {
    pub fn integer(column: &'static str, tie_breaker: &'static str) -> Self {
        Self { column, kind: SortType::Integer, tie_breaker, descending: false }
    }

    pub fn text(column: &'static str, tie_breaker: &'static str) -> Self {
        Self { column, kind: SortType::Text, tie_breaker, descending: false }
    }

    #[must_use]
    pub fn descending(self) -> Self {
        Self { descending: true, ..self }
    }
}

/// The type of an order's expression.
#[derive(Clone, Copy)]
enum SortType {
    Integer,
    Text,
}

/// Builds a list's queries, for a page of rows and for their number. All SQL is literal; values are bound.
pub struct KeysetQuery {
    rows: Statement,
    count: Statement,
    order: Order,
}

impl KeysetQuery {
    /// `from`: the text after `FROM`, up to and including `WHERE` and a first condition that ends before its bound value: `"pubkeys k WHERE
    /// k.tenant_id = "`. [`Self::then_bound`] follows a value that is not the last of `from`.
    pub fn new(columns: &'static str, from: &'static str, first: impl Into<Value<'static>>, order: Order) -> Self {
        Self::from_queries(Statement::new(""), Statement::new("WITH "), columns, from, first, order)
    }

    /// As [`Self::new`], with a time that `columns` may use as `now` if `from` begins with `moment, `.
    pub fn at(now: Timestamp, columns: &'static str, from: &'static str, first: impl Into<Value<'static>>, order: Order) -> Self {
        let moment = |end: &str| {
            let mut query = Statement::new("WITH moment (now) AS (SELECT ");
            query.push_bind(now.as_millis()).push(end);
            query
        };
        Self::from_queries(moment(") "), moment("), "), columns, from, first, order)
    }

    /// A list of what a person has, for `from` that reads `moment (now, tenant_id, user_id)` and ends with the tenant as first condition.
    pub fn of_person(now: Timestamp, tenant_id: &TenantId, user_id: &UserId, columns: &'static str, from: &'static str, order: Order) -> Self {
        let moment = |end: &str| {
            let mut query = Statement::new("WITH moment (now, tenant_id, user_id) AS (SELECT ");
            query.push_bind(now.as_millis()).push(", ").push_bind(tenant_id.to_string()).push(", ").push_bind(user_id.to_string()).push(end);
            query
        };
        Self::from_queries(moment(") "), moment("), "), columns, from, tenant_id.to_string(), order)
    }

    fn from_queries(
        mut rows: Statement,
        mut count: Statement,
        columns: &'static str,
        from: &'static str,
        first: impl Into<Value<'static>>,
        order: Order,
    ) -> Self {
        let first = first.into();
        rows.push("SELECT ")
            .push(columns)
            .push(", CAST(")
            .push(order.column)
            .push(" AS TEXT) AS mark_value, ")
            .push(order.tie_breaker)
            .push(" AS mark_number FROM ");
        rows.push(from).push_bind(first.clone());
        count.push("counted (mark_value, mark_number) AS (SELECT ").push(order.column).push(", ").push(order.tie_breaker).push(" FROM ");
        count.push(from).push_bind(first);
        Self { rows, count, order }
    }

    fn queries(&mut self) -> [&mut Statement; 2] {
        [&mut self.rows, &mut self.count]
    }

    /// Adds a condition.
    pub fn and(&mut self, condition: &'static str) -> &mut Self {
        for query in self.queries() {
            query.push(" AND ").push(condition);
        }
        self
    }

    /// Adds a condition that ends before its bound value: `"k.user_id = "`.
    pub fn and_bound(&mut self, condition: &'static str, value: impl Into<Value<'static>>) -> &mut Self {
        let value = value.into();
        for query in self.queries() {
            query.push(" AND ").push(condition).push_bind(value.clone());
        }
        self
    }

    /// Goes on after a bound value, up to the next one.
    pub fn then_bound(&mut self, sql: &'static str, value: impl Into<Value<'static>>) -> &mut Self {
        let value = value.into();
        for query in self.queries() {
            query.push(sql).push_bind(value.clone());
        }
        self
    }

    /// Closes a parenthesis of an earlier condition.
    pub fn close_paren(&mut self) -> &mut Self {
        for query in self.queries() {
            query.push(")");
        }
        self
    }

    /// Only rows in which one of the columns contains the text, ignoring case. A column with non-ASCII text is given with its folded
    /// column: `"coalesce(label_folded, label)"`; without one it is searched as typed.
    pub fn search(&mut self, text: Option<&str>, columns: &[&'static str]) -> &mut Self {
        self.search_or(text, columns, "", &[])
    }

    /// As [`Self::search`], also with the rows in which `column` has one of these values.
    pub fn search_or(&mut self, text: Option<&str>, columns: &[&'static str], column: &'static str, values: &[String]) -> &mut Self {
        let Some(text) = text else { return self };
        let in_folded = pattern(&case_fold(text));
        let as_typed = (!text.is_ascii()).then(|| pattern(&text.to_ascii_lowercase()));
        for query in self.queries() {
            for (n, column) in columns.iter().enumerate() {
                query.push(if n == 0 { " AND (" } else { " OR " }).push_like(column, &in_folded);
                if let Some(as_typed) = as_typed.as_ref().filter(|_| !column.contains("_folded")) {
                    query.push(" OR ").push_like(column, as_typed);
                }
            }
            for value in values {
                query.push(" OR ").push(column).push(" = ").push_bind(value.clone());
            }
            query.push(")");
        }
        self
    }

    /// The tie-breakers of all rows, in no order.
    pub async fn fetch_numbers(mut self, db: &mut Connection) -> Result<Vec<i64>, Error> {
        self.count.push(") SELECT mark_number FROM counted");
        let Statement { sql, values } = self.count;
        Ok(sql::query_scalar(AssertSqlSafe(sql)).bind_all(values).fetch_all(db).await?)
    }

    /// At most [`PAGE_SIZE`] rows after the cursor; the last ones if none follow it, because they were deleted since.
    pub async fn fetch<T: sql::Row>(mut self, db: &sql::Pool, after: Option<&Cursor>) -> Result<Page<T>, Error> {
        let Order { column: by, tie_breaker: then, descending, .. } = self.order;
        let mut snapshot = db.snapshot().await?;
        let (count, order) = (&self.count, self.order);
        let mut extent = match after {
            Some(_) => count_rows(count.clone(), order, after, &mut snapshot).await?,
            None => None,
        };
        let all_before = extent.as_ref().is_some_and(|extent| extent.before >= extent.total);
        if let Some(cursor) = after.filter(|_| !all_before) {
            self.rows.push(" AND (").push(by).push(", ").push(then).push(if descending { ") < (" } else { ") > (" });
            self.rows.push_cursor(order, cursor).push(")");
        }
        let direction = if descending == all_before { "" } else { " DESC" };
        self.rows.push(" ORDER BY ").push(by).push(direction).push(", ").push(then).push(direction);
        // One more row than is shown tells whether there is a next page.
        let limit = if all_before { PAGE_SIZE } else { PAGE_SIZE + 1 };
        self.rows.push(" LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let Statement { sql, values } = self.rows;
        let mut rows: Vec<Marked<T>> = sql::query_as(AssertSqlSafe(sql)).bind_all(values).fetch_all(&mut *snapshot).await?;
        if all_before {
            rows.reverse();
        }
        let more = rows.len() > PAGE_SIZE;
        rows.truncate(PAGE_SIZE);
        if after.is_none() {
            let whole = PagePosition { before: 0, total: rows.len(), previous: None };
            extent = if more { count_rows(self.count, order, None, &mut snapshot).await? } else { Some(whole) };
        }
        if let Some(extent) = extent.as_mut().filter(|_| all_before) {
            extent.before = extent.total - rows.len().min(extent.total);
            extent.previous = None;
        }
        snapshot.commit().await?;
        let next = rows.last().filter(|_| more).map(|row| Cursor { row_id: row.mark_number, value: row.mark_value.clone() });
        Ok(Page { items: rows.into_iter().map(|marked| marked.row).collect(), next, position: extent })
    }
}

/// A row, and its place in the order.
#[derive(FromRow)]
struct Marked<T> {
    #[sqlx(flatten)]
    row: T,
    mark_value: String,
    mark_number: i64,
}

/// A statement that is assembled at run time, and its values.
#[derive(Clone)]
struct Statement {
    sql: String,
    values: Vec<Value<'static>>,
}

impl Statement {
    fn new(begin: &str) -> Self {
        Self { sql: begin.to_owned(), values: Vec::new() }
    }

    fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    fn push_bind(&mut self, value: impl Into<Value<'static>>) -> &mut Self {
        self.values.push(value.into());
        // Writing to a string cannot fail.
        let _ = write!(self.sql, "${}", self.values.len());
        self
    }

    /// Appends the condition that the column matches the pattern, in which ASCII letters are lower case; those of the column may be either.
    /// `like` is the function of SQLite's operator, which PostgreSQL's schema defines too.
    fn push_like(&mut self, column: &str, pattern: &str) -> &mut Self {
        self.push("like(").push_bind(pattern.to_owned()).push(", ").push(column).push(", '\\')")
    }

    /// Appends the two values of a cursor, separated by a comma.
    fn push_cursor(&mut self, order: Order, cursor: &Cursor) -> &mut Self {
        match order.kind {
            SortType::Integer => self.push_bind(cursor.value.parse::<i64>().unwrap_or(0)),
            SortType::Text => self.push_bind(cursor.value.clone()),
        };
        self.push(", ").push_bind(cursor.row_id)
    }
}

/// The pattern for LIKE, with `\` as escape, that finds the text anywhere.
pub fn pattern(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// Total number of rows, number of rows up to the cursor, and the start of the page that ends with the cursor; `None` above
/// [`MAX_COUNTED`].
async fn count_rows(mut counted: Statement, order: Order, cursor: Option<&Cursor>, db: &mut Connection) -> Result<Option<PagePosition>, Error> {
    counted.push(" LIMIT ").push_bind(i64::try_from(MAX_COUNTED + 1).unwrap_or(i64::MAX)).push(") SELECT count(*), ");
    match cursor {
        Some(cursor) => {
            let (up_to, back) = if order.descending { (">= (", "") } else { ("<= (", " DESC") };
            counted.push("count(*) FILTER (WHERE (mark_value, mark_number) ").push(up_to).push_cursor(order, cursor).push("))");
            for column in ["CAST(mark_value AS TEXT)", "mark_number"] {
                counted.push(", (SELECT ").push(column).push(" FROM counted WHERE (mark_value, mark_number) ").push(up_to);
                counted.push_cursor(order, cursor);
                // Qualified: otherwise PostgreSQL would sort by the text of the same name.
                counted.push(") ORDER BY counted.mark_value").push(back).push(", counted.mark_number").push(back).push(" LIMIT 1 OFFSET ");
                counted.push_bind(i64::try_from(PAGE_SIZE).unwrap_or(i64::MAX)).push(")");
            }
        }
        None => drop(counted.push("CAST(0 AS BIGINT), CAST(NULL AS TEXT), CAST(NULL AS BIGINT)")),
    }
    counted.push(" FROM counted");
    let Statement { sql, values } = counted;
    let (total, before, value, number): (i64, i64, Option<String>, Option<i64>) =
        sql::query_as(AssertSqlSafe(sql)).bind_all(values).fetch_one(db).await?;
    let previous = number.zip(value).map(|(number, value)| Cursor { row_id: number, value });
    let [total, before] = [total, before].map(|count| usize::try_from(count).unwrap_or_default());
    Ok((total <= MAX_COUNTED).then_some(PagePosition { before, total, previous }))
}
