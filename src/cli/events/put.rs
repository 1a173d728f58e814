//! `eventyard events put`: events from a file, by `PutEvents`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use eventyard_core::clock::Timestamp;
use serde_json::{Value, json};

use crate::cli::api::{self, Api, ApiArguments, Failure};
use crate::cli::file::read_text;
use crate::cli::output::{Output, OutputArguments, Table, say_json};
use crate::cli::progress::Progress;
use crate::cli::{Exit, invalid};

/// Entries of one call.
const ENTRIES_PER_CALL: usize = 10;

/// Which events.
#[derive(Debug, Args)]
pub(in crate::cli) struct PutArguments {
    /// JSON with one entry of `PutEvents` or an array of them; `Detail` may be an object, and `Time` a text such as
    /// 2026-01-02T03:04:05Z. `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    api: ApiArguments,
}

pub(super) fn put(arguments: PutArguments) -> ExitCode {
    let entries = match read_text(&arguments.file).map_err(|error| error.to_string()).and_then(|text| read(&text)) {
        Ok(entries) => entries,
        Err(reason) => return invalid(&reason),
    };
    match send(&entries, arguments.output.output, arguments.api) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(refused) => Exit::Refused.because(&format!("{refused} of {} events were refused", entries.len())),
        Err(failure) => api::exit(Err(failure)),
    }
}

/// The entries, as `PutEvents` has them.
fn read(text: &str) -> Result<Vec<Value>, String> {
    let mut entries = match serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))? {
        Value::Array(entries) => entries,
        entry => vec![entry],
    };
    for (entry, number) in entries.iter_mut().zip(1..) {
        let Value::Object(members) = entry else { return Err(format!("entry number {number} is no object")) };
        if let Some(detail) = members.get_mut("Detail").filter(|detail| detail.is_object()) {
            *detail = detail.to_string().into();
        }
        if let Some(Value::String(text)) = members.get("Time") {
            let time = Timestamp::parse_rfc3339(text).ok_or_else(|| {
                format!("entry number {number}: Time is {text:?}; write an RFC 3339 time such as 2026-01-02T03:04:05Z")
            })?;
            members.insert("Time".to_owned(), time.as_epoch_seconds().into());
        }
    }
    Ok(entries)
}

/// Answers how many were refused. Each is told in the order of the file.
fn send(entries: &[Value], output: Output, api: ApiArguments) -> Result<usize, Failure> {
    let api = Api::new(api)?;
    let mut progress = Progress::of("putting", u64::try_from(entries.len()).unwrap_or(u64::MAX));
    let (mut refused, mut table) = (0, Table::new(["EVENT", "ERROR"]));
    for entries in entries.chunks(ENTRIES_PER_CALL) {
        let answer = api.call("PutEvents", &json!({ "Entries": entries }))?;
        for put in answer["Entries"].as_array().into_iter().flatten() {
            progress.step();
            let text = |member: &str| put[member].as_str().unwrap_or("-");
            refused += usize::from(put.get("EventId").is_none());
            match output {
                Output::Json => say_json(put),
                Output::Table if put.get("EventId").is_some() => table.add([text("EventId"), ""]),
                Output::Table => table.add(["-", &format!("{}: {}", text("ErrorCode"), text("ErrorMessage"))]),
            }
        }
    }
    drop(progress);
    if output == Output::Table {
        table.print();
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_may_be_written_for_people() {
        let text = r#"{"Source": "s", "DetailType": "t", "Detail": {"a": 1}, "Time": "1970-01-01T00:01:00Z"}"#;
        let expected = json!({"Source": "s", "DetailType": "t", "Detail": "{\"a\":1}", "Time": 60.0});
        assert_eq!(read(text), Ok(vec![expected.clone()]));
        assert_eq!(read(&format!("[{text}]")), Ok(vec![expected]));
        for (wrong, why) in [("{", "not JSON"), ("[1]", "number 1 is no object"), (r#"{"Time": "noon"}"#, "Time is")] {
            assert!(read(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }
}
