//! Schedules: which rules have one, and firing what is due.

#[cfg(test)]
mod tests;

use eventyard_core::arn;
use eventyard_core::clock::Timestamp;
use eventyard_core::error::ServiceError;
use eventyard_core::event::Event;
use eventyard_core::name::{EventBusKey, RuleNumber};
use eventyard_core::rule::Rule;
use eventyard_core::rule_options::RuleOptions;
use eventyard_core::schedule::{Firings, RuleSchedule};

use super::Engine;
use super::tracing::Tracing;
use crate::journal::{JournalError, Owed, ScheduleMark};
use crate::store::StoredRule;
use crate::telemetry::{FiringsMissed, ScheduleFired};

/// Events after which a round of firing is closed. They are written with one fsync.
const EVENTS_PER_ROUND: usize = 500;

/// What one round fires: of each rule its events, and how far it then is.
#[derive(Default)]
struct Round {
    owed: Vec<Owed>,
    marks: Vec<ScheduleMark>,
    /// For those who watch.
    fired: Vec<(String, Firings)>,
    events: usize,
}

impl Engine {
    /// Fires what is due, up to some hundreds of events, and says whether there may be more.
    ///
    /// The events, the deliveries they owe and how far each rule has come are written as one group. So a crash loses all or
    /// nothing of it, and no firing happens twice.
    ///
    /// # Errors
    /// When it could not be written; it is then due as before.
    pub async fn fire_due(&self) -> Result<bool, JournalError> {
        let now = self.clock.now();
        let mut tracing = Tracing::new(&self.telemetry, &self.random, now);
        let round = self.round(now, &mut tracing);
        if round.marks.is_empty() {
            return Ok(false);
        }
        self.journal.fire(round.owed, round.marks.clone()).await?;
        tracing.committed();
        self.registry_mut().timetable_mut().advance(&round.marks);
        for (rule_arn, firings) in &round.fired {
            for firing in &firings.fire {
                let lateness = self.clock.now().saturating_since(firing.release);
                self.telemetry.record(&ScheduleFired { rule_arn, due: firing.due, lateness });
            }
            if firings.missed > 0 {
                self.telemetry.record(&FiringsMissed { rule_arn, count: firings.missed });
            }
        }
        Ok(true)
    }

    fn round(&self, now: Timestamp, tracing: &mut Tracing<'_>) -> Round {
        let (registry, mut round) = (self.registry(), Round::default());
        for (rule, schedule, through) in registry.timetable().due(now) {
            let Some(key) = registry.rule_key(rule) else { continue };
            let firings = schedule.firings(through, now, &self.settings.catch_up);
            let Some(through) = firings.through else { continue };
            let targets = registry.targets_of([&rule]);
            if !targets.is_empty() {
                let events = firings.fire.iter().map(|firing| Event::scheduled(key, rule, firing.due, now));
                let owe = |event| Some(Owed { event, targets: targets.clone() });
                round.owed.extend(events.filter_map(|event| tracing.matching(&key.bus, event, owe)));
            }
            round.marks.push(ScheduleMark { rule, since: schedule.since(), through });
            round.events += firings.fire.len().max(1);
            round.fired.push((arn::rule_arn(key), firings));
            if round.events >= EVENTS_PER_ROUND {
                break;
            }
        }
        round
    }

    /// Forgets how far rules have come that are no more.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn forget_deleted_schedules(&self) -> Result<(), JournalError> {
        let marks = self.journal.schedule_marks()?;
        let is_gone = |rule: &RuleNumber| self.registry().rule_key(*rule).is_none();
        let gone: Vec<RuleNumber> = marks.into_iter().map(|mark| mark.rule).filter(is_gone).collect();
        if gone.is_empty() { Ok(()) } else { self.journal.forget_schedule_marks(gone).await }
    }

    /// Since when a rule's schedule runs, when it does. One that did before and has the same expression runs on.
    pub(super) fn scheduled_since(&self, old: Option<&StoredRule>, rule: &Rule) -> Option<Timestamp> {
        let runs = |rule: &Rule| rule.schedule_expression.is_some() && rule.state.is_enabled();
        let is_same = |old: &&StoredRule| old.rule.schedule_expression == rule.schedule_expression;
        let since = old.filter(is_same).and_then(|old| old.scheduled_since);
        runs(rule).then(|| since.unwrap_or_else(|| self.clock.now()))
    }
}

/// Checks the schedule of a rule, and its option tags.
///
/// # Errors
/// Amazon's, for an expression that cannot be read or a bus that takes none; a `ValidationException` that names a tag.
pub(super) fn check_schedule(bus: &EventBusKey, rule: &Rule) -> Result<(), ServiceError> {
    let options = RuleOptions::from_tags(&rule.tags)?.schedule;
    let Some(expression) = &rule.schedule_expression else { return Ok(()) };
    if !bus.name.is_default() {
        return Err(ServiceError::validation("ScheduleExpression is supported only on the default event bus."));
    }
    // The same for all rules and times: it is only read.
    RuleSchedule::parse(RuleNumber(0), expression, options, Timestamp::EPOCH)
        .map(drop)
        .map_err(|invalid| ServiceError::validation(invalid.to_string()))
}

/// The schedule that a stored rule runs by, when it does.
///
/// # Errors
/// What [`check_schedule`] would have refused, in words for the operator.
pub(super) fn schedule_of(stored: &StoredRule) -> Result<Option<RuleSchedule>, String> {
    let options = RuleOptions::from_tags(&stored.rule.tags).map_err(|error| error.message)?.schedule;
    let Some((expression, since)) = stored.rule.schedule_expression.as_deref().zip(stored.scheduled_since) else {
        return Ok(None);
    };
    RuleSchedule::parse(stored.number, expression, options, since).map(Some).map_err(|invalid| invalid.to_string())
}
