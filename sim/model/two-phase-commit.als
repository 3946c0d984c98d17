/*
 * Two-phase commit over participant.als, in the words of docs/PROTOCOLS.md. What it covers and what
 * it leaves out: README.md beside it. The order is a participant like any other, so two stand for all.
 */
open participant

one sig Stock, Payment extends Participant {}
one sig Preparing, Committing, Aborting, EndCommitted, EndAborted extends Phase {}
fun ended: set Phase { EndCommitted + EndAborted }
fun verbIn: Phase -> Verb { Preparing -> Prepare + Committing -> Commit + Aborting -> Abort }
pred isCommit[f: Phase] { f in Committing + EndCommitted }

/* A step that asks these for what the phase is about. */
pred enters[o: Owner, t: Tx, f: Phase, all2: set Participant] {
  writes[o, t, f, all2, none, all2 -> f.verbIn]
}

pred begins[o: Owner, t: Tx] {
  now[Begins, o, none, t, none, none]
  o.epoch = t.made and no (o + Log).phase[t] and t not in Log.past and no Participant.commands.t
  enters[o, t, Preparing, Participant]
}

/* Goes to everyone who may hold something, also those whose vote never came. */
pred decidesAbort[o: Owner, t: Tx, refused: set Participant] {
  enters[o, t, Aborting, o.asked[t] + o.yes[t] - refused]
}

pred decidesCommit[o: Owner, t: Tx] { enters[o, t, Committing, Participant] }

pred hears[o: Owner, p: Participant, t: Tx] {
  some v: Verb, a: Answer {
    now[Hears, o, p, t, v, a]
    a -> t in p.replies and a in v.answersTo
    v = o.phase[t].verbIn and p in o.asked[t]
    v = Prepare => {
      a = Yes and o.yes[t] + p = Participant => decidesCommit[o, t]
      a = Yes and o.yes[t] + p != Participant
        => onlyRemembers[o, t, Preparing, o.asked[t] - p, o.yes[t] + p]
      a = No => decidesAbort[o, t, p]
      a = Busy => decidesAbort[o, t, none]
    } else {
      o.asked[t] = p => enters[o, t, (v = Commit => EndCommitted else EndAborted), none]
      else onlyRemembers[o, t, o.phase[t], o.asked[t] - p, none]
    }
  }
}

pred deadline[o: Owner, t: Tx] {
  now[Deadline, o, none, t, none, none]
  o.phase[t] = Preparing and decidesAbort[o, t, none]
}

/* The client is answered, at any time after the decision. */
pred tells[o: Owner, t: Tx] {
  now[Tells, o, none, t, none, none]
  some o.phase[t] - Preparing
  Client.told' = Client.told + t -> (isCommit[o.phase[t]] => IsCommitted else IsAborted)
  sameNet and sameParticipants[Participant] and sameNotes[Notes]
}

/*
 * A participant that holds asks an owner that does not have it open: what ended is told, what the
 * log never had is undone, what the mark has passed is not answered.
 */
pred asks[o: Owner, p: Participant, t: Tx] {
  now[Asks, o, p, t, none, none]
  p.branch[t] = Prepared and some o.epoch and no o.phase[t] - ended
  Log.phase[t] in ended and t not in Log.past
  t.made in o.epoch.prevs or (t.made = o.epoch and some Log.phase[t])
  p.commands' = p.commands + (Log.phase[t] = EndCommitted => Commit else Abort) -> t
  all q: Participant - p | q.commands' = q.commands
  replies' = replies and sameParticipants[Participant] and sameNotes[Notes] and sameClient
}

fact behaviour {
  initially
  always {
    rests
    or (some o: Owner | crashes[o] or takesOver[o, ended])
    or (some o: Owner, t: Tx |
      begins[o, t] or deadline[o, t] or tells[o, t] or forgets[o, t, ended])
    or (some p: Participant, t: Tx | obeys[p, t] or parks[p, t] or sweeps[p, t])
    or (some o: Owner, p: Participant, t: Tx | hears[o, p, t] or asks[o, p, t])
  }
}

/* ---- what must hold ---- */
/* Nobody takes what another does not. */
pred allOrNone {
  always no t: Tx, p, q: Participant | t in p.taken and q.branch[t] in Aborted + Refused
}
pred exactlyOnce { always no again }
pred nothingIsParked { always no parked }
/* What the log has decided stays, until the mark has passed it. */
pred decisionsAreStable {
  always all t: Tx, f: Log.phase[t] - Preparing |
    after (t in Log.past or (some Log.phase[t] - Preparing
      and (isCommit[f] iff isCommit[Log.phase[t]])))
}
pred decidedBeforeTaken {
  always all t: Participant.taken | t in Log.past or (some Log.phase[t] and isCommit[Log.phase[t]])
}
pred nothingIsHeldAfterTheEnd {
  always all t: Tx | (t in Log.past or some Log.phase[t] & ended)
    => no p: Participant | p.branch[t] = Prepared
}
pred answersAreFinal {
  always all t: Client.told.IsCommitted |
    t in Log.past or (some Log.phase[t] and isCommit[Log.phase[t]])
  always all t: Client.told.IsAborted | t not in Participant.taken
  always all t: Client.told.IsCommitted, p: Participant | p.branch[t] not in Aborted + Refused
  always lone Tx.(Client.told)
}
pred refusalsAreRemembered {
  always all t: Tx, p: Participant | p.branch[t] = Refused
    => always p.branch[t] not in Prepared + Committed
}

pred safe {
  allOrNone and exactlyOnce and nothingIsParked and decisionsAreStable and decidedBeforeTaken
  nothingIsHeldAfterTheEnd and answersAreFinal and refusalsAreRemembered
}

/* ---- what must be possible: the model is not safe by doing nothing ---- */
pred commitsThroughCrash {
  eventually (Tx in Stock.taken & Payment.taken and Tx in Log.past
    and Tx.made != Log.newest)
}
pred abortsWhatWasHeld {
  eventually (Stock.branch[Tx] = Prepared) and eventually (Log.phase[Tx] = EndAborted)
}

/* For Alloy's window; check.ts asks for more. */
check shallow { safe } for 3 but exactly 1 Tx, exactly 2 Owner, 2 Epoch, 1 Int, 8..8 steps
