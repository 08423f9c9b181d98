//! The causes of an error.

use std::error::Error;
use std::io;

/// An error and its sources, the innermost last.
pub fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // `io::Error` does not return the error inside it as its source.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inside.map_or_else(|| error.source(), |inside| Some(inside))
    })
}

/// The innermost cause.
pub fn root_cause<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}
