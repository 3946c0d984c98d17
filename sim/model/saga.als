/*
 * The saga over participant.als, in the words of docs/PROTOCOLS.md: the order is frozen, stock
 * executes, payment executes (the pivot), the order is marked paid. README.md beside it says more.
 */
open participant

one sig Order, Stock, Payment extends Participant {}
one sig Freezing, Executing, Paying, Committing, Compensating, EndCommitted, EndAborted
  extends Phase {}
fun ended: set Phase { EndCommitted + EndAborted }
fun forward: set Phase { Freezing + Executing + Paying }
fun work: Participant -> Verb { Order -> Prepare + (Stock + Payment) -> Execute }
fun undo: Participant -> Verb { Order -> Abort + (Stock + Payment) -> Compensate }
pred isCommit[f: Phase] { f in Committing + EndCommitted }

/* Stock counts as asked from the start: the step into executing is not logged. */
pred begins[o: Owner, t: Tx] {
  now[Begins, o, none, t, none, none]
  o.epoch = t.made and no (o + Log).phase[t] and t not in Log.past and no Participant.commands.t
  writes[o, t, Freezing, Order + Stock, none, Order -> Prepare]
}

/* Undoes whatever may have executed, and releases the order. */
pred turnsBack[o: Owner, t: Tx, refused: set Participant] {
  let may = o.asked[t] + o.yes[t] - refused |
    writes[o, t, (no may => EndAborted else Compensating), may, none, may <: undo]
}

pred pays[o: Owner, t: Tx] {
  writes[o, t, Paying, Payment, Order + Stock, Payment -> Execute]
}

/* Memory only: execute is sent, the log still says freezing. */
pred executes[o: Owner, t: Tx, asked2, yes2: set Participant] {
  does[o, t, Executing, asked2, yes2, Stock -> Execute] and sameNotes[Notes - o]
}

pred hearsYes[o: Owner, p: Participant, t: Tx] {
  o.phase[t] = Paying => writes[o, t, Committing, Order, none, Order -> Commit]
  else let asked2 = o.asked[t] - p, yes2 = o.yes[t] + p {
    no asked2 => pays[o, t]
    else p = Order => executes[o, t, asked2, yes2]
    else onlyRemembers[o, t, o.phase[t], asked2, yes2]
  }
}

/* Busy changes nothing: it is asked again. */
pred hears[o: Owner, p: Participant, t: Tx] {
  some v: Verb, a: Answer - Busy {
    now[Hears, o, p, t, v, a]
    a -> t in p.replies and a in v.answersTo and p in o.asked[t]
    some o.phase[t] & forward => {
      v = p.work
      a = Yes => hearsYes[o, p, t] else turnsBack[o, t, p]
    } else {
      v = (o.phase[t] = Committing => Commit else p.undo)
      o.asked[t] = p => writes[o, t, (v = Commit => EndCommitted else EndAborted), none, none,
        none -> none]
      else onlyRemembers[o, t, o.phase[t], o.asked[t] - p, none]
    }
  }
}

pred deadline[o: Owner, t: Tx] {
  now[Deadline, o, none, t, none, none]
  some o.phase[t] & forward and turnsBack[o, t, none]
}

pred tells[o: Owner, t: Tx] {
  now[Tells, o, none, t, none, none]
  some o.phase[t] - forward
  Client.told' = Client.told + t -> (isCommit[o.phase[t]] => IsCommitted else IsAborted)
  sameNet and sameParticipants[Participant] and sameNotes[Notes]
}

/*
 * A participant asks about what it holds or has executed. What has ended and is gone from the log
 * had committed, if it still stands here: execute again carries the mark and changes nothing.
 */
pred asks[o: Owner, p: Participant, t: Tx] {
  now[Asks, o, p, t, none, none]
  p.branch[t] in Prepared + Executed and some o.epoch and no o.phase[t] - ended
  Log.phase[t] in ended
  t.made in o.epoch.prevs or (t.made = o.epoch and (some Log.phase[t] or t in Log.past))
  let reply = t in Log.past => (p = Order => none else Execute)
      else Log.phase[t] = EndCommitted => (p = Order => Commit else none) else p.undo {
    some reply
    p.commands' = p.commands + reply -> t
  }
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
fun given: Participant -> Tx { taken - restored }

pred paidMeansTaken { always all t: Order.taken | t in Stock.given & Payment.given }
pred abortedMeansNothing {
  always all t: Tx | Log.phase[t] = EndAborted => always t not in Participant.given
}
pred nothingIsUndoneAfterThePivot {
  always all t: Tx | (some Log.phase[t] and isCommit[Log.phase[t]])
    => always t not in Participant.restored
}
/* What the log turns back reaches everyone who has executed, or will. */
pred whoExecutedIsAsked {
  always all t: Tx, p: Participant |
    (Log.phase[t] = Compensating and p.branch[t] = Executed) => p in Log.asked[t]
}
pred undoneStaysUndone {
  always all p: Participant, t: DidCompensate.(p.replies) | always t not in p.given
}
pred noMeansNever { always all p: Participant, t: No.(p.replies) | always t not in p.given }
pred exactlyOnce { always no again }
pred nothingIsParked { always no parked }
pred decisionsAreStable {
  always all t: Tx, f: Log.phase[t] - forward |
    after (t in Log.past or (some Log.phase[t] - forward
      and (isCommit[f] iff isCommit[Log.phase[t]])))
}
pred nothingIsHeldAfterTheEnd {
  always all t: Tx | (t in Log.past or some Log.phase[t] & ended)
    => no p: Participant | p.branch[t] = Prepared
}
pred answersAreFinal {
  always all t: Client.told.IsCommitted |
    (t in Log.past or (some Log.phase[t] and isCommit[Log.phase[t]])) and t not in Participant.restored
  always all t: Client.told.IsAborted | t not in Order.taken
  always lone Tx.(Client.told)
}
pred refusalsAreRemembered {
  always all t: Tx, p: Participant | p.branch[t] = Refused
    => always p.branch[t] not in Prepared + Executed
}

pred safe {
  paidMeansTaken and abortedMeansNothing and nothingIsUndoneAfterThePivot and exactlyOnce
  whoExecutedIsAsked and undoneStaysUndone and noMeansNever
  nothingIsParked and decisionsAreStable and nothingIsHeldAfterTheEnd and answersAreFinal
  refusalsAreRemembered
}

/* ---- what must be possible: the model is not safe by doing nothing ---- */
pred commitsThroughCrash {
  eventually (Log.phase[Tx] = EndCommitted and Tx in Order.taken
    and Tx.made != Log.newest)
}
pred compensatesWhatWasTaken {
  eventually (Tx in Stock.restored and Log.phase[Tx] = EndAborted)
}

/* For Alloy's window; check.ts asks for more. */
check shallow { safe } for 3 but exactly 1 Tx, exactly 2 Owner, 2 Epoch, 1 Int, 8..8 steps
