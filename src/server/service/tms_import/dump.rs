//! Reads the rows in a plain dump of PostgreSQL (`pg_dump`).

use std::io::{BufRead, Read as _};

use super::copy_text;
use super::report::escaped;
use super::rows::{Columns, Row, Table};
use super::source_error::SourceError;

/// Maximum length of a line, which bounds the memory that a damaged file can take.
const MAX_LINE_BYTES: u64 = 1024 * 1024;
/// The schemas that TMS' tables may be in.
const SCHEMAS: [&str; 2] = ["tms", "public"];

/// A dump that is read line by line.
pub struct Dump<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
    section: Section,
    seen: Vec<Table>,
    complete: bool,
    /// Why the rows of a table were passed over: it lacks a column.
    pub column_error: Option<SourceError>,
}

/// Where the next line belongs.
enum Section {
    Statements,
    /// Rows of a table that is not read.
    OtherRows,
    Rows(Columns),
}

impl<R: BufRead> Dump<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), number: 0, section: Section::Statements, seen: Vec::new(), complete: false, column_error: None }
    }

    /// The next row of these tables; `None` at the end of a complete dump.
    pub fn next_row(&mut self, tables: &[Table]) -> Result<Option<Row>, SourceError> {
        loop {
            if !self.read_line()? {
                return if self.complete && matches!(self.section, Section::Statements) { Ok(None) } else { Err(SourceError::CutOff) };
            }
            let line = std::str::from_utf8(&self.line).map_err(|_| SourceError::NotUtf8 { line: self.number })?;
            match &self.section {
                Section::Rows(_) | Section::OtherRows if line == "\\." => self.section = Section::Statements,
                Section::OtherRows => {}
                Section::Rows(columns) if !tables.contains(&columns.table()) => {}
                Section::Rows(columns) => {
                    let values = copy_text::parse_line(line).ok_or(SourceError::Escape { line: self.number })?;
                    return columns.row(values, Some(self.number)).map(Some);
                }
                Section::Statements => self.statement()?,
            }
        }
    }

    /// A line outside of the rows. Lines that begin with a backslash (`\restrict`, `\connect`) are commands of psql.
    fn statement(&mut self) -> Result<(), SourceError> {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        if let Some(rest) = line.strip_prefix("COPY ") {
            self.section = self.copy(rest)?;
        } else if line.starts_with("INSERT INTO ") {
            return Err(SourceError::Inserts);
        } else if let Some(encoding) = line.strip_prefix("SET client_encoding = '") {
            let encoding = encoding.trim_end_matches([';', '\'']);
            if !matches!(encoding, "UTF8" | "UTF-8" | "SQL_ASCII") {
                return Err(SourceError::Encoding(escaped(encoding)));
            }
        } else if line.starts_with("-- PostgreSQL database dump complete") {
            self.complete = true;
        }
        Ok(())
    }

    /// `tms.tenants (id, tenant) FROM stdin;`
    fn copy(&mut self, rest: &str) -> Result<Section, SourceError> {
        let unreadable = || SourceError::CopyStatement { line: self.number };
        let (name, rest) = rest.split_once(" (").ok_or_else(unreadable)?;
        let (columns, _) = rest.split_once(") FROM stdin;").ok_or_else(unreadable)?;
        let unquoted = |name: &str| name.trim().trim_matches('"').to_owned();
        let (schema, name) = name.split_once('.').map_or((None, name), |(schema, name)| (Some(unquoted(schema)), name));
        let ours = schema.is_none_or(|schema| SCHEMAS.contains(&schema.as_str()));
        let Some(table) = Table::parse(&unquoted(name)).filter(|_| ours) else { return Ok(Section::OtherRows) };
        if self.seen.contains(&table) {
            return Err(SourceError::Twice(table.as_str()));
        }
        self.seen.push(table);
        let names: Vec<String> = columns.split(',').map(unquoted).collect();
        match Columns::find(table, &names) {
            Ok(columns) => Ok(Section::Rows(columns)),
            // Reported once it is known that it is not a database of 0.4, which has other columns.
            Err(error) => {
                self.column_error.get_or_insert(error);
                Ok(Section::OtherRows)
            }
        }
    }

    /// The tables whose rows have been found.
    pub fn tables(&self) -> &[Table] {
        &self.seen
    }

    fn read_line(&mut self) -> Result<bool, SourceError> {
        self.line.clear();
        self.number += 1;
        let read = (&mut self.reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
        read.map_err(SourceError::of_reading)?;
        if self.line.last() != Some(&b'\n') {
            return match self.line.len() {
                0 => Ok(false),
                length if length as u64 == MAX_LINE_BYTES => Err(SourceError::LongLine { line: self.number }),
                // The last line of a file may lack its end, but not that of a row.
                _ if matches!(self.section, Section::Statements) => Ok(true),
                _ => Err(SourceError::CutOff),
            };
        }
        self.line.pop();
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        if self.line.contains(&0) {
            return Err(SourceError::NulInLine { line: self.number });
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\nSET client_encoding = 'UTF8';\n";
    const END: &str = "--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n";

    fn read(text: &str) -> Result<Vec<Row>, SourceError> {
        let mut dump = Dump::new(text.as_bytes());
        let mut rows = Vec::new();
        while let Some(row) = dump.next_row(Table::ALL)? {
            rows.push(row);
        }
        Ok(rows)
    }

    #[test]
    fn rows_are_found_by_table_and_column() {
        let text = format!(
            "{HEAD}COPY other.tenants (id) FROM stdin;\nx\n\\.\nCOPY tms.audit (a) FROM stdin;\n\\restrict\n\\.\n\
             COPY \"tms\".\"tenants\" (\"tenant\", id, enabled, created, updated) FROM stdin;\na\\tb\t7\tt\t\\N\t2026-01-01 00:00:00+00\n\\.\n{END}"
        );
        let rows = read(&text).expect("rows");
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].text("tenant"), rows[0].integer("id"), rows[0].value("created")), ("a\tb", Some(7), None));
        assert!(rows[0].time("updated").is_some());
        assert_eq!(read(&text.replace('\n', "\r\n")).expect("rows").len(), 1);
    }

    #[test]
    fn damaged_dumps_are_refused_with_a_sentence() {
        let copy = "COPY tms._sqlx_migrations (version, description) FROM stdin;\n";
        for (text, why) in [
            (String::new(), "the file ends early"),
            (HEAD.to_owned(), "the file ends early"),
            (format!("{HEAD}{copy}1\ta\n"), "the file ends early"),
            (format!("{HEAD}{copy}1\ta"), "the file ends early"),
            (format!("{HEAD}{copy}1\ta\n{END}"), "line 9: a row of the table _sqlx_migrations has 1 values"),
            (format!("{HEAD}{copy}1\n\\.\n{END}"), "line 8: a row of the table _sqlx_migrations has 1 values, its columns are 2"),
            (format!("{HEAD}{copy}1\ta\\\n\\.\n{END}"), "line 8 has an incomplete escape"),
            (format!("{HEAD}{copy}1\\000\ta\n\\.\n{END}"), "NUL"),
            (format!("{HEAD}{copy}1\0\ta\n\\.\n{END}"), "line 8 has a NUL character"),
            (format!("{HEAD}{copy}\\.\n{copy}\\.\n{END}"), "twice"),
            (format!("{HEAD}INSERT INTO tms.tenants VALUES (1);\n{END}"), "without --inserts"),
            (format!("SET client_encoding = 'LATIN1';\n{END}"), "LATIN1"),
            (format!("SET client_encoding = '\u{1b}[2J';\n{END}"), "encoding is \\u{1b}[2J;"),
            (format!("{HEAD}{copy}{}\ta\n\\.\n{END}", "1".repeat(1_100_000)), "line 8 is longer than"),
        ] {
            let refused = read(&text).expect_err(why).to_string();
            assert!(refused.contains(why), "{refused} is not: {why}");
        }
        let mut latin1 = Dump::new(&b"\xff\n"[..]);
        assert!(latin1.next_row(Table::ALL).expect_err("not UTF-8").to_string().contains("UTF-8"));
    }
}
