//! Lists for people: searched, filtered, sorted, a piece at a time.

use sqlx::sqlite::SqliteRow;
use sqlx::{Encode, FromRow, QueryBuilder, Row, Sqlite, SqliteExecutor, Type};

use super::Fault;
use crate::domain::listing::{Listed, Mark, PIECE};
use crate::domain::time::Timestamp;

/// What a list is sorted by.
#[derive(Clone, Copy)]
pub struct Order {
    /// A column or expression that is never NULL.
    by: &'static str,
    kind: Kind,
    /// The column that tells rows with the same value apart: an integer.
    then: &'static str,
    descending: bool,
}

impl Order {
    pub fn integer(by: &'static str, then: &'static str) -> Self {
        Self { by, kind: Kind::Integer, then, descending: false }
    }

    pub fn text(by: &'static str, then: &'static str) -> Self {
        Self { by, kind: Kind::Text, then, descending: false }
    }

    #[must_use]
    pub fn descending(self) -> Self {
        Self { descending: true, ..self }
    }
}

/// What an order's expression holds.
#[derive(Clone, Copy)]
enum Kind {
    Integer,
    Text,
}

/// A list's query while it is put together. Its SQL is all ours; what comes from outside is bound.
pub struct Listing {
    query: QueryBuilder<Sqlite>,
    order: Order,
}

impl Listing {
    /// `from`: what follows `FROM`, up to and with `WHERE` and a first condition that the first bound value ends:
    /// `"pubkeys k WHERE k.tenant_id = "`.
    pub fn new<'q, T>(columns: &'static str, from: &'static str, first: T, order: Order) -> Self
    where
        T: 'q + Encode<'q, Sqlite> + Type<Sqlite>,
    {
        Self::from_query(QueryBuilder::new(""), columns, from, first, order)
    }

    /// The same with a moment, which `columns` may call `now` if `from` begins with `moment, `.
    pub fn at<'q, T>(now: Timestamp, columns: &'static str, from: &'static str, first: T, order: Order) -> Self
    where
        T: 'q + Encode<'q, Sqlite> + Type<Sqlite>,
    {
        let mut query = QueryBuilder::new("WITH moment (now) AS (SELECT ");
        query.push_bind(now.as_millis()).push(") ");
        Self::from_query(query, columns, from, first, order)
    }

    fn from_query<'q, T>(mut query: QueryBuilder<Sqlite>, columns: &'static str, from: &'static str, first: T, order: Order) -> Self
    where
        T: 'q + Encode<'q, Sqlite> + Type<Sqlite>,
    {
        query
            .push("SELECT ")
            .push(columns)
            .push(", CAST(")
            .push(order.by)
            .push(" AS TEXT) AS mark_value, ")
            .push(order.then)
            .push(" AS mark_number FROM ");
        query.push(from).push_bind(first);
        Self { query, order }
    }

    /// One more condition, as it stands.
    pub fn and(&mut self, condition: &'static str) -> &mut Self {
        self.query.push(" AND ").push(condition);
        self
    }

    /// One more condition, which the value ends: `"k.user_id = "`.
    pub fn and_bound<'q, T>(&mut self, condition: &'static str, value: T) -> &mut Self
    where
        T: 'q + Encode<'q, Sqlite> + Type<Sqlite>,
    {
        self.query.push(" AND ").push(condition).push_bind(value);
        self
    }

    /// Closes a condition that was begun with a bracket.
    pub fn end(&mut self) -> &mut Self {
        self.query.push(")");
        self
    }

    /// Only rows in which one of the columns holds the text, whatever its capitals.
    pub fn search(&mut self, text: Option<&str>, columns: &[&'static str]) -> &mut Self {
        let Some(text) = text else { return self };
        let pattern = format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        for (n, column) in columns.iter().enumerate() {
            self.query.push(if n == 0 { " AND (" } else { " OR " }).push(*column).push(" LIKE ").push_bind(pattern.clone()).push(" ESCAPE '\\'");
        }
        self.query.push(")");
        self
    }

    /// At most [`PIECE`] rows behind the mark.
    pub async fn fetch<R>(mut self, db: impl SqliteExecutor<'_>, after: Option<&Mark>) -> Result<Listed<R>, Fault>
    where
        R: for<'r> FromRow<'r, SqliteRow>,
    {
        let Order { by, kind, then, descending } = self.order;
        if let Some(Mark { number, value }) = after {
            self.query.push(" AND (").push(by).push(", ").push(then).push(if descending { ") < (" } else { ") > (" });
            match kind {
                Kind::Integer => self.query.push_bind(value.parse::<i64>().unwrap_or(0)),
                Kind::Text => self.query.push_bind(value.clone()),
            };
            self.query.push(", ").push_bind(*number).push(")");
        }
        let direction = if descending { " DESC" } else { "" };
        self.query.push(" ORDER BY ").push(by).push(direction).push(", ").push(then).push(direction);
        // One more than is shown tells whether there is more.
        self.query.push(" LIMIT ").push_bind(i64::try_from(PIECE).unwrap_or(i64::MAX).saturating_add(1));
        let mut rows = self.query.build().fetch_all(db).await?;
        let more = rows.len() > PIECE;
        rows.truncate(PIECE);
        let mark = |row: &SqliteRow| Ok::<_, sqlx::Error>(Mark { number: row.try_get("mark_number")?, value: row.try_get("mark_value")? });
        let next = rows.last().filter(|_| more).map(mark).transpose()?;
        let items = rows.iter().map(R::from_row).collect::<Result<_, _>>()?;
        Ok(Listed { items, next })
    }
}
