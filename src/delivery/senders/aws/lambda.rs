//! Lambda: the function is invoked with the event; its result is not waited for.

use super::Call;
use super::call::Service;

const LAMBDA: Service = Service { prefix: "lambda", name: "lambda" };

/// `Invoke`, with `InvocationType` `Event`.
pub(super) fn invoke(function_arn: &str, body: String) -> Call {
    // An ARN of a function holds nothing else that a path would have to escape.
    let path = format!("/2015-03-31/functions/{}/invocations", function_arn.replace(':', "%3A"));
    Call::rest(LAMBDA, path, ("x-amz-invocation-type", "Event"), body)
}
