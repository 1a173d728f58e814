//! From the configuration to the bounds of each part.

use eventyard_core::circuit_breaker::CircuitBreakerSettings;
use eventyard_core::egress::Egress;
use eventyard_core::name::AccountId;
use eventyard_core::pattern::PatternLimits;
use eventyard_core::retry::{Backoff, RetryPolicy};
use eventyard_core::schedule::CatchUpPolicy;
use eventyard_core::target::LocalTargets;

use crate::config::{Config, is_loopback};
use crate::http::Limits;
use crate::telemetry::Collector;
use crate::{delivery, engine, journal};

pub(super) fn api_limits(config: &Config) -> Limits {
    Limits {
        connections_max: config.api.connections_max,
        body_size_bytes_max: config.api.body_size_bytes_max,
        bodies_size_bytes_max: config.api.bodies_size_bytes_max,
        header_timeout: config.api.header_timeout,
        request_timeout: config.api.request_timeout,
    }
}

pub(super) fn admin_limits(config: &Config) -> Limits {
    Limits { connections_max: config.admin.connections_max, ..api_limits(config) }
}

pub(super) fn journal_settings(config: &Config) -> journal::Settings {
    journal::Settings {
        commit_group_requests_max: config.journal.commit_group_requests_max,
        commit_group_bytes_max: config.journal.commit_group_bytes_max,
        segment_size_bytes: config.journal.segment_size_bytes,
        free_space_bytes_min: config.journal.free_space_bytes_min,
        size_bytes_max: config.journal.size_bytes_max,
        history: journal::HistoryLimits {
            size_bytes_max: config.history.size_bytes_max,
            retention: config.history.retention,
        },
        deduplication_window: config.put_events.deduplication_window,
    }
}

pub(super) fn engine_settings(config: &Config) -> engine::Settings {
    engine::Settings {
        catch_up: CatchUpPolicy { catch_up: config.schedules.catch_up, horizon: config.schedules.catch_up_horizon },
        entries_size_bytes_max: config.put_events.entries_size_bytes_max,
        deduplicates_cloud_events: config.put_events.deduplicate_cloud_events,
        pattern_length_max: config.patterns.length_max,
        patterns: PatternLimits {
            wildcard_complexity_max: limit(config.patterns.wildcard_complexity_max),
            branches_max: limit(config.patterns.branches_max),
        },
        targets_per_rule_max: config.quotas.targets_per_rule_max,
        event_pattern_length_max: config.quotas.event_pattern_length_max,
        rules_per_event_bus_max: config.quotas.rules_per_event_bus_max,
        event_buses_per_account_max: config.quotas.event_buses_per_account_max,
        aws_target_accounts: aws_target_accounts(config),
        accounts: config.accounts.iter().map(|account| account.id.clone()).collect(),
        egress: egress(config),
        local_targets: local_targets(config),
        regions: config.aws.regions.clone(),
        organizations: config
            .accounts
            .iter()
            .filter_map(|account| Some((account.id.clone(), account.organization.clone()?)))
            .collect(),
    }
}

/// One account alone may use the daemon's key for AWS; of several none may unless it is named.
fn aws_target_accounts(config: &Config) -> Option<Vec<AccountId>> {
    let named = &config.aws_services.accounts;
    (!named.is_empty() || config.accounts.len() > 1).then(|| named.clone())
}

pub(super) fn delivery_settings(config: &Config) -> delivery::Settings {
    let delivery = &config.delivery;
    delivery::Settings {
        concurrency_per_target: delivery.concurrency_per_target,
        concurrency_max: delivery.concurrency_max,
        read_ahead_per_target: delivery.read_ahead_per_target,
        ordered_read_ahead_per_target: delivery.ordered_read_ahead_per_target,
        attempts_per_second_per_target: limit(delivery.attempts_per_second_per_target),
        circuit_breaker: CircuitBreakerSettings {
            failures_to_open: limit(delivery.circuit_breaker_failures),
            open: Backoff { base: delivery.circuit_breaker_open_base, max: delivery.circuit_breaker_open_max },
        },
        backoff: Backoff { base: delivery.backoff_base, max: delivery.backoff_max },
        retry_policy: RetryPolicy {
            maximum_retry_attempts: delivery.maximum_retry_attempts,
            maximum_event_age_seconds: u32::try_from(delivery.maximum_event_age.as_secs()).unwrap_or(u32::MAX),
        },
    }
}

/// Where spans are sent to; none where none are made.
pub(super) fn collector(config: &Config) -> Option<Collector> {
    let traces = &config.traces;
    Some(Collector {
        endpoint: traces.endpoint.clone()?,
        headers: traces.headers.clone(),
        timeout: traces.timeout,
        service_name: traces.service_name.clone(),
        sample_per_million: traces.sample_per_million,
    })
}

pub(super) fn delivery_thread_count(config: &Config) -> usize {
    let half = || std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2));
    config.delivery.threads.unwrap_or_else(half)
}

/// Without a list, a daemon that only this machine can speak to may speak to this machine.
pub(super) fn egress(config: &Config) -> Egress {
    if config.egress.allow.is_empty() && is_loopback(config.api.listen) {
        return Egress::with_loopback();
    }
    Egress::new(config.egress.allow.clone())
}

/// Whoever can only speak to the daemon from its own machine may see events in its output.
pub(super) fn local_targets(config: &Config) -> LocalTargets {
    let is_local = is_loopback(config.api.listen) && config.accounts.is_empty();
    let stdout = config.local_targets.stdout.unwrap_or(is_local);
    LocalTargets { stdout, folder: config.local_targets.folder.clone() }
}

fn limit(limit: Option<usize>) -> Option<u32> {
    limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX))
}
