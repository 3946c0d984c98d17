/*
 * What both protocols stand on: a network, participants with durable records, the decision log with
 * its epoch, and owners of the log that crash and come back. The rule is written here from
 * docs/PROTOCOLS.md and not from the code.
 *
 * The network only ever gains messages: one that is never obeyed or heard is lost, one that is
 * obeyed twice is a duplicate, and any order is possible. So sending belongs to the step that
 * writes: a crash between the two is a message that is lost, and a message that is sent again was
 * there already.
 *
 * A participant's effect, record and answer are one durable step, so its crash before the step is a
 * command not obeyed yet, and its crash after it is a reply that is never heard.
 */
module participant
open util/ordering[Epoch] as epochs

sig Epoch {}
/* A transaction; its id names the epoch in which it was made. */
sig Tx { made: one Epoch }

enum Branch { Nothing, Prepared, Committed, Aborted, Executed, Compensated, Refused }
enum Verb { Prepare, Commit, Abort, Execute, Compensate }
enum Answer { Yes, No, Busy, DidCommit, DidAbort, DidCompensate }

abstract sig Participant {
  var branch: Tx -> one Branch,
  /* Below the low-water mark: commands of these are not looked at. */
  var passed: set Tx,
  /* Had its effect here at least once: units or credit taken; given back after they were taken. */
  var taken: set Tx,
  var restored: set Tx,
  /* Something of it was done a second time. */
  var again: set Tx,
  var parked: set Tx,
  /* The network: commands on their way to it, and its replies. */
  var commands: Verb -> Tx,
  var replies: Answer -> Tx
}

/* What is in somebody's notes of a transaction: its phase, whose reply is awaited, who said yes. */
abstract sig Phase {}
abstract sig Notes {
  var phase: Tx -> lone Phase,
  var asked: Tx -> Participant,
  var yes: Tx -> Participant
}
one sig Log extends Notes {
  var newest: one Epoch,
  /* The low-water mark has passed these. */
  var past: set Tx
}
/* A process that may own the log; its notes are memory. Without an epoch it is down. */
sig Owner extends Notes { var epoch: lone Epoch }

enum Outcome { IsCommitted, IsAborted }
one sig Client { var told: Tx -> Outcome }

/* What happens between this state and the next; for the timeline. */
enum Event {
  Begins, Obeys, Parks, Hears, Deadline, Tells, Asks, Crashes, TakesOver, Sweeps, Forgets, Rests
}
one sig Now {
  var event: one Event,
  var owner: lone Owner,
  var at: lone Participant,
  var tx: lone Tx,
  var verb: lone Verb,
  var answer: lone Answer
}
pred now[e: Event, o: Owner, p: Participant, t: Tx, v: Verb, a: Answer] {
  Now.event = e and Now.owner = o and Now.at = p and Now.tx = t and Now.verb = v and Now.answer = a
}

/* ---- the participant's rule: what is known, what is asked -> what is answered, what is known ---- */
fun rule: Branch -> Verb -> Answer -> Branch {
  Nothing -> Prepare -> Yes -> Prepared
  + Nothing -> Prepare -> Busy -> Nothing
  + Nothing -> Execute -> Yes -> Executed
  + Nothing -> Execute -> Busy -> Nothing
  + Nothing -> (Prepare + Execute) -> No -> Refused
  + Nothing -> Abort -> DidAbort -> Aborted
  + Nothing -> Compensate -> DidCompensate -> Compensated
  + Prepared -> Prepare -> Yes -> Prepared
  + Prepared -> Commit -> DidCommit -> Committed
  + Prepared -> Abort -> DidAbort -> Aborted
  + Committed -> Prepare -> Yes -> Committed
  + Committed -> Commit -> DidCommit -> Committed
  + Aborted -> Prepare -> No -> Aborted
  + Aborted -> Abort -> DidAbort -> Aborted
  + Executed -> Execute -> Yes -> Executed
  + Executed -> Compensate -> DidCompensate -> Compensated
  + Compensated -> Execute -> No -> Compensated
  + Compensated -> Compensate -> DidCompensate -> Compensated
  + Refused -> (Prepare + Execute) -> No -> Refused
  + Refused -> Abort -> DidAbort -> Refused
  + Refused -> Compensate -> DidCompensate -> Refused
}

/* The answers that a command can get, other than silence. */
fun answersTo: Verb -> Answer {
  (Prepare + Execute) -> (Yes + No + Busy) + Commit -> DidCommit + Abort -> DidAbort
  + Compensate -> DidCompensate
}

/* The effect belongs to the change of the record: a repeat changes neither. */
pred takes[old, new: Branch] { new in Committed + Executed and old != new }
pred restores[old, new: Branch] { new = Compensated and old = Executed }

pred obeys[p: Participant, t: Tx] {
  some v: Verb, a: Answer | let old = p.branch[t], new = rule[old][v][a] {
    now[Obeys, none, p, t, v, a]
    v -> t in p.commands and t not in p.passed and some new
    p.branch' = p.branch ++ t -> new
    takes[old, new] => p.taken' = p.taken + t else p.taken' = p.taken
    restores[old, new] => p.restored' = p.restored + t else p.restored' = p.restored
    ((takes[old, new] and t in p.taken)
      or (restores[old, new] and t in p.restored))
      => p.again' = p.again + t else p.again' = p.again
    p.replies' = p.replies + a -> t
    p.passed' = p.passed and p.parked' = p.parked
    commands' = commands and sameReplies[Participant - p] and sameParticipants[Participant - p] and sameNotes[Notes] and sameClient
  }
}

/* A command that contradicts what is known is put aside. */
pred parks[p: Participant, t: Tx] {
  some v: Verb {
    now[Parks, none, p, t, v, none]
    v -> t in p.commands and t not in p.passed and no rule[p.branch[t]][v]
    p.parked' = p.parked + t
    p.branch' = p.branch and p.passed' = p.passed
    p.taken' = p.taken and p.restored' = p.restored and p.again' = p.again
    sameNet and sameParticipants[Participant - p] and sameNotes[Notes] and sameClient
  }
}

/* The mark has passed it: remembers the mark, drops the record, never one that is held or parked. */
pred sweeps[p: Participant, t: Tx] {
  now[Sweeps, none, p, t, none, none]
  t in Log.past - p.passed
  p.passed' = p.passed + t
  p.branch' = ((p.branch[t] = Prepared or t in p.parked) => p.branch else p.branch ++ t -> Nothing)
  p.taken' = p.taken and p.restored' = p.restored and p.again' = p.again and p.parked' = p.parked
  sameNet and sameParticipants[Participant - p] and sameNotes[Notes] and sameClient
}

/* ---- owners ---- */
pred mayWrite[o: Owner] { o.epoch = Log.newest }

pred notes[n: Notes, t: Tx, f: lone Phase, asked2, yes2: set Participant] {
  n.phase' = n.phase - t -> Phase + t -> f
  n.asked' = n.asked - t -> Participant + t -> asked2
  n.yes' = n.yes - t -> Participant + t -> yes2
}

/* Writes a step to the log and to memory, and sends what it asks for. */
pred writes[o: Owner, t: Tx, f: Phase, asked2, yes2: set Participant, out: Participant -> Verb] {
  mayWrite[o] and notes[Log, t, f, asked2, yes2]
  Log.newest' = Log.newest and Log.past' = Log.past
  does[o, t, f, asked2, yes2, out] and sameNotes[Owner - o]
}
/* The step without the log: memory, and what is sent. */
pred does[o: Owner, t: Tx, f: Phase, asked2, yes2: set Participant, out: Participant -> Verb] {
  notes[o, t, f, asked2, yes2] and o.epoch' = o.epoch
  all p: Participant | p.commands' = p.commands + p.out -> t
  replies' = replies and sameParticipants[Participant] and sameClient
}

pred crashes[o: Owner] {
  now[Crashes, o, none, none, none, none]
  some o.epoch and no o.epoch'
  no o.phase' and no o.asked' and no o.yes'
  sameNet and sameParticipants[Participant] and sameNotes[Notes - o] and sameClient
}

/* Raises the epoch, reads the log: what has not ended is driven on. */
pred takesOver[o: Owner, ended: set Phase] {
  now[TakesOver, o, none, none, none, none]
  no o.epoch and o.epoch' = Log.newest.next and some o.epoch'
  Log.newest' = o.epoch'
  let unended = Log.phase.(Phase - ended) {
    o.phase' = unended <: Log.phase and o.asked' = unended <: Log.asked and o.yes' = unended <: Log.yes
  }
  Log.phase' = Log.phase and Log.asked' = Log.asked and Log.yes' = Log.yes and Log.past' = Log.past
  sameNet and sameParticipants[Participant] and sameNotes[Owner - o] and sameClient
}

/* An ended transaction is forgotten by its owner and passed by the mark. */
pred forgets[o: Owner, t: Tx, ended: set Phase] {
  now[Forgets, o, none, t, none, none]
  mayWrite[o] and some Log.phase[t] & ended and t not in Log.past
  Log.past' = Log.past + t
  notes[Log, t, none, none, none] and notes[o, t, none, none, none]
  Log.newest' = Log.newest and o.epoch' = o.epoch
  sameNet and sameParticipants[Participant] and sameNotes[Owner - o] and sameClient
}

/* ---- what does not change ---- */
pred sameParticipants[ps: set Participant] {
  all p: ps {
    p.branch' = p.branch and p.passed' = p.passed and p.taken' = p.taken
    p.restored' = p.restored and p.again' = p.again and p.parked' = p.parked
  }
}
/* Nothing changes but what its owner remembers. */
pred onlyRemembers[o: Owner, t: Tx, f: Phase, asked2, yes2: set Participant] {
  notes[o, t, f, asked2, yes2] and o.epoch' = o.epoch
  sameNet and sameParticipants[Participant] and sameNotes[Notes - o] and sameClient
}
pred sameReplies[ps: set Participant] { all p: ps | p.replies' = p.replies }
pred sameNet { commands' = commands and replies' = replies }
pred sameNotes[ns: set Notes] {
  all n: ns | n.phase' = n.phase and n.asked' = n.asked and n.yes' = n.yes
  all o: ns & Owner | o.epoch' = o.epoch
  Log in ns => Log.newest' = Log.newest and Log.past' = Log.past
}
pred sameClient { told' = told }
pred rests {
  now[Rests, none, none, none, none, none]
  sameNet and sameParticipants[Participant] and sameNotes[Notes] and sameClient
}

pred initially {
  all p: Participant | p.branch = Tx -> Nothing
  no passed and no taken and no restored and no again and no parked
  no commands and no replies and no phase and no asked and no yes
  no told and no Log.past
  Log.newest = epochs/first and one epoch and Owner.epoch = epochs/first
}
