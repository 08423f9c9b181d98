//! What the page of the API shows: sections of operations, each with its fields.

/// The contents of the page.
#[derive(Debug, Default)]
pub struct Reference {
    pub about: String,
    pub version: String,
    pub sections: Vec<Section>,
    /// Errors that every operation can return, described once.
    pub errors: Vec<ErrorDoc>,
}

/// The operations on one kind of object.
#[derive(Debug)]
pub struct Section {
    pub anchor: String,
    pub name: String,
    pub about: String,
    pub operations: Vec<Operation>,
}

#[derive(Debug)]
pub struct Operation {
    pub anchor: String,
    /// In upper case.
    pub method: String,
    pub path: String,
    /// A sentence.
    pub summary: String,
    pub about: String,
    /// The accepted ways to authenticate; one is enough.
    pub callers: Vec<ApiCaller>,
    /// Parameters of path and query, and fields of the body.
    pub fields: Vec<Field>,
    pub response: ResponseDoc,
    /// Status codes of its errors; [`Reference::errors`] explains them.
    pub errors: Vec<String>,
    pub curl: String,
}

/// A kind of caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiCaller {
    pub who: String,
    /// The headers with which it authenticates, and their values.
    pub headers: Vec<(&'static str, &'static str)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// `path`, `query` or `body`; empty in responses.
    pub location: &'static str,
    pub kind: String,
    pub required: bool,
    pub meaning: String,
}

#[derive(Debug, Default)]
pub struct ResponseDoc {
    pub status: String,
    pub about: String,
    /// Without the fields that every response has.
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDoc {
    pub status: String,
    pub meaning: String,
}
