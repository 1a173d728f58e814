//! A rule's schedule: its expression with all that decides when it fires, and what is to be fired at a given moment.
//!
//! A firing is *due* at the time that the expression names, which its event carries as `time` and which makes its identity:
//! a rule never fires twice for one due time. It is *released* then, or later by its jitter.

use std::time::Duration;

use super::{CatchUp, Dialect, InvalidScheduleExpression, ScheduleExpression, ScheduleOptions};
use crate::clock::Timestamp;
use crate::name::RuleNumber;

/// A firing that is late by less than this is on time: schedules know minutes, and nothing finer.
const ON_TIME: Duration = Duration::from_secs(60);

/// Most firings of one rule that are fired at once; the others follow in the next round.
const FIRINGS_AT_ONCE_MAX: usize = 100;

/// Most firings older than the horizon that are counted one by one.
const PASSED_OVER_MAX: u64 = 1_000;

/// The schedule of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSchedule {
    rule: RuleNumber,
    expression: ScheduleExpression,
    options: ScheduleOptions,
    since: Timestamp,
}

/// How firings that were missed are made up for, where the rule does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatchUpPolicy {
    /// Which of them.
    pub catch_up: CatchUp,
    /// How old they may be. Older ones are missed for good.
    pub horizon: Duration,
}

/// What is to be done about a rule at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firings {
    /// The due times to fire, in order; never more than a hundred.
    pub fire: Vec<Firing>,
    /// How many were missed for good: older than the horizon (counted up to 1,000), or not made up for.
    pub missed: u64,
    /// Up to when everything due was fired or missed.
    pub through: Option<Timestamp>,
}

/// One firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The time that the expression names, in whole seconds.
    pub due: Timestamp,
    /// When it was to happen: then, or later by the jitter.
    pub release: Timestamp,
}

impl RuleSchedule {
    /// The schedule of `rule`. Rates are counted from `since`, and nothing is due before: it is when the rule got this
    /// expression or was enabled.
    ///
    /// A rule with a time zone is read as EventBridge Scheduler reads expressions, which takes `at(…)` too; any other as
    /// `PutRule` does.
    ///
    /// # Errors
    /// When the expression is not one of that dialect.
    pub fn parse(
        rule: RuleNumber,
        expression: &str,
        options: ScheduleOptions,
        since: Timestamp,
    ) -> Result<Self, InvalidScheduleExpression> {
        let dialect = if options.timezone.is_some() { Dialect::Scheduler } else { Dialect::Rule };
        Ok(Self { rule, expression: ScheduleExpression::parse_as(dialect, expression)?, options, since })
    }

    /// Since when it runs.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The first firing due after `through`.
    #[must_use]
    pub fn next(&self, through: Timestamp) -> Option<Firing> {
        let due = self.expression.next_after(through.to_utc(), self.since.to_utc(), self.options.timezone)?;
        let due = Timestamp::from_millis(due.timestamp_millis())?;
        Some(Firing { due, release: due.saturating_add(self.jitter(due)) })
    }

    /// Drawn from the rule and the time alone, so that a restart draws the same.
    fn jitter(&self, due: Timestamp) -> Duration {
        let seconds = self.options.jitter.as_secs();
        let drawn = mix(self.rule.0 ^ mix(due.as_millis().unsigned_abs())) % (seconds + 1);
        Duration::from_secs(drawn)
    }

    /// What is to be fired now, when everything due up to `through` has been.
    #[must_use]
    pub fn firings(&self, through: Timestamp, now: Timestamp, policy: &CatchUpPolicy) -> Firings {
        let mut firings = Firings::default();
        self.pass_over(&mut firings, through, now, policy.horizon);
        let mut through = firings.through.unwrap_or(through);
        let catch_up = self.options.catch_up.unwrap_or(policy.catch_up);
        while let Some(firing) = self.next(through).filter(|firing| firing.release <= now) {
            let is_late = now.saturating_since(firing.release) >= ON_TIME;
            match catch_up {
                CatchUp::All if firings.fire.len() == FIRINGS_AT_ONCE_MAX => break,
                CatchUp::Skip if is_late => firings.missed += 1,
                CatchUp::Last if !firings.fire.is_empty() => {
                    firings.missed += 1;
                    firings.fire = vec![firing];
                }
                _ => firings.fire.push(firing),
            }
            through = firing.due;
            firings.through = Some(through);
        }
        firings
    }

    /// Leaves behind what is older than the horizon, and counts it.
    fn pass_over(&self, firings: &mut Firings, mut through: Timestamp, now: Timestamp, horizon: Duration) {
        let is_too_old = |firing: &Firing| now.saturating_since(firing.release) > horizon;
        while let Some(firing) = self.next(through).filter(is_too_old) {
            if firings.missed == PASSED_OVER_MAX {
                // What is left is not worth counting; releases are later than this, so none within the horizon is lost.
                let oldest = now.saturating_sub(horizon + self.options.jitter + Duration::from_secs(1));
                firings.through = Some(through.max(oldest));
                return;
            }
            firings.missed += 1;
            through = firing.due;
            firings.through = Some(through);
        }
    }
}

/// The finalizer of the generator `SplitMix64`: every bit of the result depends on every bit of `bits`.
fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millis(milliseconds).unwrap()
    }

    fn schedule(expression: &str, options: ScheduleOptions) -> RuleSchedule {
        RuleSchedule::parse(RuleNumber(7), expression, options, at(0)).unwrap()
    }

    fn policy(catch_up: CatchUp) -> CatchUpPolicy {
        CatchUpPolicy { catch_up, horizon: Duration::from_secs(3_600) }
    }

    fn dues(firings: &Firings) -> Vec<i64> {
        firings.fire.iter().map(|firing| firing.due.as_millis() / MINUTE).collect()
    }

    #[test]
    fn what_is_on_time_fires_whatever_the_policy() {
        let each_minute = schedule("rate(1 minute)", ScheduleOptions::default());
        for catch_up in [CatchUp::Skip, CatchUp::Last, CatchUp::All] {
            let early = each_minute.firings(at(0), at(MINUTE - 1), &policy(catch_up));
            assert_eq!(early, Firings::default());
            let firings = each_minute.firings(at(0), at(MINUTE + 999), &policy(catch_up));
            assert_eq!((dues(&firings), firings.missed, firings.through), (vec![1], 0, Some(at(MINUTE))));
        }
    }

    #[test]
    fn the_policy_decides_what_is_made_up_for() {
        let each_minute = schedule("rate(1 minute)", ScheduleOptions::default());
        let now = at(10 * MINUTE + 1);
        let of = |catch_up| each_minute.firings(at(5 * MINUTE), now, &policy(catch_up));
        let (skip, last, all) = (of(CatchUp::Skip), of(CatchUp::Last), of(CatchUp::All));
        assert_eq!((dues(&skip), skip.missed), (vec![10], 4));
        assert_eq!((dues(&last), last.missed), (vec![10], 4));
        assert_eq!((dues(&all), all.missed), (vec![6, 7, 8, 9, 10], 0));
        assert!([skip, last, all].iter().all(|firings| firings.through == Some(at(10 * MINUTE))));

        let each_hour = schedule("rate(1 hour)", ScheduleOptions::default());
        let of = |catch_up| each_hour.firings(at(HOUR), at(2 * HOUR + 5 * MINUTE), &policy(catch_up));
        assert_eq!((of(CatchUp::Skip).fire.len(), of(CatchUp::Skip).missed), (0, 1));
        assert_eq!(of(CatchUp::Last).fire.len(), 1);
    }

    #[test]
    fn the_tag_wins_over_the_policy() {
        let options = ScheduleOptions { catch_up: Some(CatchUp::All), ..ScheduleOptions::default() };
        let each_minute = schedule("rate(1 minute)", options);
        let firings = each_minute.firings(at(0), at(3 * MINUTE), &policy(CatchUp::Skip));
        assert_eq!(dues(&firings), [1, 2, 3]);
    }

    #[test]
    fn what_is_older_than_the_horizon_is_missed() {
        let each_minute = schedule("rate(1 minute)", ScheduleOptions::default());
        let firings = each_minute.firings(at(0), at(100 * MINUTE), &policy(CatchUp::All));
        assert_eq!((firings.fire.len(), firings.missed), (61, 39));
        assert_eq!(dues(&firings)[0], 40);
    }

    #[test]
    fn a_year_of_minutes_is_left_behind_quickly_and_the_rest_fires() {
        let each_minute = schedule("cron(* * * * ? *)", ScheduleOptions::default());
        let now = at(365 * 24 * HOUR);
        let firings = each_minute.firings(at(0), now, &policy(CatchUp::All));
        assert_eq!((firings.fire.len(), firings.missed), (61, PASSED_OVER_MAX));
        assert_eq!(firings.through, Some(now));
    }

    #[test]
    fn many_that_are_to_be_made_up_for_come_in_rounds() {
        let each_minute = schedule("rate(1 minute)", ScheduleOptions::default());
        let policy = CatchUpPolicy { catch_up: CatchUp::All, horizon: Duration::from_secs(86_400) };
        let (mut through, mut fired, now) = (at(0), Vec::new(), at(250 * MINUTE));
        loop {
            let firings = each_minute.firings(through, now, &policy);
            assert!(firings.fire.len() <= FIRINGS_AT_ONCE_MAX);
            fired.extend(dues(&firings));
            let Some(next) = firings.through else { break };
            through = next;
        }
        assert_eq!(fired, (1..=250).collect::<Vec<_>>());
    }

    #[test]
    fn a_clock_that_was_set_back_fires_nothing() {
        let each_minute = schedule("rate(1 minute)", ScheduleOptions::default());
        for catch_up in [CatchUp::Skip, CatchUp::Last, CatchUp::All] {
            assert_eq!(each_minute.firings(at(HOUR), at(5 * MINUTE), &policy(catch_up)), Firings::default());
        }
    }

    #[test]
    fn jitter_puts_off_and_keeps_the_due_time() {
        let options = ScheduleOptions { jitter: Duration::from_secs(1_800), ..ScheduleOptions::default() };
        let each_hour = schedule("rate(1 hour)", options);
        let mut seen = std::collections::BTreeSet::new();
        for hour in 0..200 {
            let firing = each_hour.next(at(hour * HOUR)).unwrap();
            assert_eq!(firing.due, at((hour + 1) * HOUR));
            let late = firing.release.saturating_since(firing.due);
            assert!(late <= Duration::from_secs(1_800));
            assert_eq!(each_hour.next(at(hour * HOUR)), Some(firing), "drawn twice, it is the same");
            seen.insert(late.as_secs() / 180);
        }
        assert!(seen.len() >= 10, "spread over the whole span: {seen:?}");
        let firing = each_hour.next(at(0)).unwrap();
        let just_before = at(firing.release.as_millis() - 1);
        assert_eq!(each_hour.firings(at(0), just_before, &policy(CatchUp::Last)), Firings::default());
    }

    #[test]
    fn one_time_schedules_need_a_zone_and_fire_once() {
        let text = "at(1970-01-01T02:30:00)";
        assert!(RuleSchedule::parse(RuleNumber(1), text, ScheduleOptions::default(), at(0)).is_err());
        let berlin = super::super::Timezone::parse("Europe/Berlin").unwrap();
        let options = ScheduleOptions { timezone: Some(berlin), ..ScheduleOptions::default() };
        let once = schedule(text, options);
        let firings = once.firings(at(0), at(2 * HOUR), &policy(CatchUp::Last));
        assert_eq!(dues(&firings), [90]);
        assert_eq!(once.next(at(90 * MINUTE)), None);
    }
}
