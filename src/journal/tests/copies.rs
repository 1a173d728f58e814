//! Copies of dead letters in the journal.

use super::*;

#[tokio::test]
async fn a_dead_letter_and_its_copy_survive_the_loss_of_power_together() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit(vec![owed(1, &[TARGET])]).await.unwrap();
    let pending = journal.ready(TARGET, None, 1).unwrap()[0];
    let copy = DeadLetterCopy { destination: "http://h/".into(), letter: letter(event(1)) };
    let owed = Owed { event: copy.to_event(EventId::from_random(2)), targets: vec![TARGET.of_dead_letters()] };
    let died = Settlement::DeadAndCopied(Box::new(copy.letter.clone()), Box::new(owed));
    journal.settle(vec![settled(pending, died)]).await.unwrap();
    let (journal, _thread) = open(&Arc::new(disk.lose_power(0)));
    assert_eq!(dead_letters(&journal)[0].1, copy.letter);
    assert!(!journal.is_owed(TARGET).unwrap());
    let pending = journal.ready(TARGET.of_dead_letters(), None, 10).unwrap();
    assert_eq!(pending.len(), 1);
    let kept = journal.event(pending[0].delivery.event).unwrap();
    assert_eq!(DeadLetterCopy::from_event(&kept).unwrap(), copy);
    assert!(DeadLetterCopy::from_event(&event(1)).is_err(), "an event is no copy");
}
