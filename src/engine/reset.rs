//! Reset: nothing is there any more, as after the first start. For ephemeral daemons.

use eventyard_core::error::ServiceError;

use super::Engine;
use super::registry::Registry;

impl Engine {
    /// Takes away all rules, targets and event buses at once. What targets were owed is settled as for targets that are
    /// removed, but nobody remembers their names.
    ///
    /// # Errors
    /// `InternalException` when store or journal cannot be read or written.
    pub fn reset(&self) -> Result<(), ServiceError> {
        let _changing = self.begin_change();
        self.store.clear().map_err(|error| self.internal(&error))?;
        let empty = self.store.load().map_err(|error| self.internal(&error))?;
        let registry = Registry::load(empty).map_err(|error| self.internal(&error))?;
        *self.registry_mut() = registry;
        self.unmatched.forget();
        self.count_rules();
        let owed = self.journal.targets_owed().map_err(|error| self.internal(&error))?;
        self.journal.bell().ring(owed);
        Ok(())
    }
}
