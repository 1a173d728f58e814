//! Every bound of the service in one place: Amazon's from the `EventBridge` API model and quotas, and our own.

/// Entries in one `PutEvents` call. Amazon's.
pub const PUT_EVENTS_ENTRIES_MAX: usize = 10;

/// Entries in one call of the plain `POST /events`. Ours: a shell script posts files, an SDK does not.
pub const PLAIN_EVENTS_ENTRIES_MAX: usize = 1_000;

/// Bytes that an entry's `Time` adds to its size. Amazon's, from "Calculating `PutEvents` event entry size".
pub const ENTRY_TIME_SIZE_BYTES: usize = 14;

/// Characters of an event's `DetailType`. Amazon's, from its documentation of events.
pub const DETAIL_TYPE_LENGTH_MAX: usize = 128;

/// Entries in one page of a list when the caller names no `Limit`, and the largest `Limit`. Amazon's.
pub const PAGE_LENGTH_MAX: usize = 100;

/// Targets, or target ids, in one call. Amazon's.
pub const TARGETS_PER_CALL_MAX: usize = 100;

/// Tags of one rule or event bus. Amazon's.
pub const TAGS_PER_RESOURCE_MAX: usize = 50;

/// Bytes of the policy of one event bus, written without blanks. Amazon's.
pub const POLICY_SIZE_BYTES_MAX: usize = 10 * 1024;

/// Files with managed rules that are read. Ours.
pub const RULES_FILES_MAX: usize = 10_000;

/// Bytes of one file with managed rules. Ours.
pub const RULES_FILE_SIZE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Retries after the first attempt. Amazon's, and its default.
pub const RETRY_ATTEMPTS_MAX: u32 = 185;

/// Shortest `MaximumEventAgeInSeconds`. Amazon's.
pub const EVENT_AGE_SECONDS_MIN: u32 = 60;

/// Longest `MaximumEventAgeInSeconds`, and its default. Amazon's.
pub const EVENT_AGE_SECONDS_MAX: u32 = 86_400;

/// Bytes of an answer's body that are kept to tell the operator why a delivery failed. Ours.
pub const ANSWER_EXCERPT_BYTES_MAX: usize = 512;

/// Bytes of the sentence that the history keeps of an attempt. Ours.
pub const ATTEMPT_MESSAGE_BYTES_MAX: usize = 256;

/// Times that an event may be forwarded from one event bus to another. Ours.
pub const FORWARDS_MAX: usize = 10;

/// Headers of one request. Ours; an SDK sends about a dozen.
pub const HEADERS_MAX: usize = 100;

/// Bytes of a request's line and headers after which no more are read. Ours; session tokens are the longest there are, at a
/// few kilobytes.
pub const HEADER_SIZE_BYTES_MAX: usize = 64 * 1024;

/// Accounts whose requests are counted at one time. Ours.
pub const THROTTLED_ACCOUNTS_MAX: usize = 10_000;

const _: () = assert!(PUT_EVENTS_ENTRIES_MAX <= PLAIN_EVENTS_ENTRIES_MAX);
const _: () = assert!(EVENT_AGE_SECONDS_MIN < EVENT_AGE_SECONDS_MAX);
