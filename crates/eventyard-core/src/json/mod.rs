//! Reading JSON as text: the pull [`Reader`], the [`compact`] pass, and their one error.
//!
//! Events are kept and delivered as the text they arrived in. A value tree would lose what the pattern language can see:
//! the spelling of numbers, duplicate keys, the order of members. So this room offers no tree, only a strict grammar
//! (RFC 8259, nothing tolerated) that runs without recursion and gives the place of every token.

mod compact;
mod error;
mod members;
mod nesting;
mod reader;
mod scan;
mod structure;
mod text;
mod visit;

pub use compact::{compact, compact_with_kind};
pub use error::{JsonError, JsonFault};
pub use members::Members;
pub(crate) use reader::check;
pub use reader::{Kind, Reader, Token};
pub(crate) use scan::equal_bytes;
pub use text::Text;
pub(crate) use visit::{Key, Literal, Visit, VisitScratch};

/// How many objects and arrays may be open at once. Deeper text is refused with [`JsonFault::TooDeep`].
///
/// Amazon documents no bound; the one of the Jackson library, which the service reads JSON with, is 1,000.
pub const NESTING_DEPTH_MAX: usize = 1_000;
