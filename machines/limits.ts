/**
 * Every bound of the product: value, unit in the name, reason beside it.
 * What an operator may change is in the configuration; its default and range stand here too.
 */
export const limits = {
  // --- pool and locks
  /** Pool size: 10,000 idle actors are about 60 MB. */
  clientsMax: 10_000,
  clientsDefault: 4,
  /** A search and a request with their time-outs (30 s each) and retries fit; a stuck flow is noticed in 5 min. */
  lockSecondsMaxDefault: 300,
  lockSecondsMaxHighest: 86_400,
  /** How long a flow written by hand waits for an idle client. */
  lockWaitSecondsDefault: 30,
  /** OTP's intensity and period: more than this many crashes in the period quarantine the client. */
  restartIntensity: 5,
  restartPeriodSeconds: 30,
  /** First wait of a quarantined client before it is tried again; doubles up to the highest. */
  quarantineSeconds: 60,
  quarantineSecondsMax: 3_600,
  /** Who has lived so long without a crash is as good as new; as long as the longest quarantine: nobody gets there in between. */
  quarantineForgottenSeconds: 3_600,
  /** After so many crashes of its flow an alarm is set aside (R6). */
  flowCrashesMax: 3,

  // --- gateway, claims
  /**
   * Requests claimed with one commit leave within so long: a quarter of the fastest answer seen over loopback (SOAP to
   * the desk, 2 ms), so that only a service in this process is claimed for ahead of its turn.
   */
  claimedMsMax: 1,
  /** Claimed with one commit at most: with more a flow costs no less, and each of them is in doubt after a crash. */
  claimsMax: 32,

  // --- response table
  maxResponseRowsDefault: 1_000,
  maxResponseRowsLowest: 1,
  /** Ten thousand rows of 8 kB are 80 MB of file a client. */
  maxResponseRowsHighest: 10_000,
  /** Text of a request or answer in a row: a SOAP envelope of ours is under 3 kB. */
  rowTextBytesMax: 4_096,

  // --- alarm intake
  /** A TMF642 alarm with all its fields is under 8 kB; eight times that. */
  alarmBytesMax: 65_536,
  alarmDepthMax: 16,
  /** Any one string of an alarm that is kept. */
  alarmTextCharsMax: 1_024,
  alarmDetailsCharsMax: 8_192,
  alarmIdCharsMax: 256,
  /** Unanswered events of one connection before OVERLOADED: two seconds at 10,000 a second would be 20,000; a sender needs no more than its window. */
  inFlightPerConnectionMax: 1_024,
  /** Accepted and not yet settled notifications of the whole engine; above it new ones are refused (A6). */
  unsettledAlarmsMax: 100_000,
  overloadedRetryAfterMs: 1_000,
  /**
   * Alarms on their way to the disk above which flows run one at a time and leave the intake the rest: an eighth of a
   * second at 2,000 alarms a second, and what a replay as fast as it can has in flight.
   */
  unacknowledgedCalmMax: 256,
  /**
   * Of one WebSocket path, and of all senders of alarms, over WebSocket or HTTP: some thousand mediators and element
   * managers, twice over while they reconnect.
   */
  connectionsMax: 10_000,
  /** Beside those, so that senders that take every place do not shut out who must see why: readers, inspectors, requests. */
  operatorConnectionsMax: 1_000,
  pingIntervalMs: 15_000,
  fragmentsMax: 64,
  bufferedChunksMax: 256,
  /** Pings and pongs of a peer within a ping interval before it is closed 1008. */
  pingsPerIntervalMax: 100,
  /** Answers queued for a sender that does not read them: 5,000 of 200 bytes; then it is closed 1013. */
  acksQueuedBytesMax: 1_048_576,
  /** Sources of one connection whose order or sequence is watched; a mediator speaks for a few hundred. */
  sourcesPerConnectionMax: 1_024,
  /** How long a peer may take to answer a close frame before its socket is destroyed. */
  closeGraceMs: 2_000,
  /** Unanswered events of a replay: enough to fill a group commit, a quarter of what an intake allows. */
  replayInFlightDefault: 256,
  /** Waits of a replay before it connects again: 0.1, 0.2 … 5 s; after so many failures in a row it gives up. */
  replayBackOffMs: 100,
  replayBackOffMsMax: 5_000,
  replayConnectsMax: 60,
  /** How long a replay waits for `hello`. */
  replayHelloMsMax: 10_000,
  /** Body of one request that carries alarms: a full batch of one-kilobyte events. */
  alarmRequestBytesMax: 1_048_576,
  alarmsPerRequestMax: 1_000,
  /** Requests whose alarms are being read at once: with full bodies 128 MiB. So many come on connections of their own, too. */
  alarmRequestsMax: 128,
  /** Years that a date of an alarm may lie in. */
  earliestYear: 1970,
  latestYear: 2200,
  /** Closed tickets remembered per key whatever the time: a lagging index may show them open, and clocks are set. */
  closedTicketsKept: 4,
  /** Alarm identities remembered per key after their clear, to tell an early clear from a repeated one (D0). */
  clearedAlarmsPerKeyMax: 2_000,
  clockSkewSecondsDefault: 300,
  clockSkewSecondsMax: 86_400,
  dedupDaysDefault: 7,
  dedupDaysMax: 90,
  /** Notifications of one key folded into one flow at most. */
  coalescedAlarmsMax: 1_000,

  // --- feed
  feedQueuedBytesMax: 1_048_576,
  feedReadersMax: 200,
  /** States are sent at most this often, latest wins; and a snapshot is told for so long to all who want one. */
  feedStateIntervalMs: 100,
  /**
   * For a reader that wants the present rather than all of it: more than anybody reads, and than a ticketing service
   * takes. All that an engine says at two thousand flows a second would cost it one flow in four.
   */
  feedFactsPerSecond: 2_000,
  /**
   * Facts kept in memory for readers that resume; older ones come from the ledger. Of a busy engine those of the last
   * tenth of a second: what outlives its youth costs the engine more than a reader that has to be read to.
   */
  feedFactsKept: 2_000,

  // --- inspector
  /** Who inspects is a developer with a viewer: a handful, and each costs frames. */
  inspectReadersMax: 8,
  /** Frames go out in turns this far apart, each no longer and no more than this: 1 % of a core, 1,000 a second. */
  inspectIntervalMs: 100,
  inspectTurnMsMax: 1,
  inspectFramesPerTurnMax: 100,
  /** What waits for one reader in its order; above it only each actor's newest state is kept. A flow by itself is some 60. */
  inspectQueuedMax: 512,
  /** Of each member of a context, an event or an output: enough for a lock, a command with its service, a few tickets. */
  inspectValuesMax: 60,
  inspectTextCharsMax: 2_048,
  inspectDepthMax: 8,
  /** Members of one context, event or list of children. */
  inspectMembersMax: 24,
  /** Any one string. */
  inspectStringCharsMax: 256,

  // --- flows and requests
  searchTriesMax: 3,
  searchRetryDelayMs: 200,
  searchResultsMax: 200,
  /** One original and three retries (G3). */
  attemptsMax: 4,
  /** Waits between attempts of a request that was not applied or may be repeated: 250, 500, 1,000 ms. */
  retryDelayMs: 250,
  /** Longest wait that a service's Retry-After may ask for. */
  retryAfterMsMax: 300_000,
  /** Waits of a key while its service cannot be reached: 1, 2, 4 … 30 s: back within half a minute of the service. */
  outageDelayMs: 1_000,
  outageDelayMsMax: 30_000,
  notOwnerRetrySecondsDefault: 60,
  /** A week: a ticket closed longer ago is history, not the same fault. */
  reopenSecondsMax: 604_800,
  /** Every so many turns the oldest waiting one goes first, whatever its lane: none starves. */
  oldestEveryTurns: 4,
  maxOpenTicketsDefault: 500,
  maxOpenTicketsHighest: 1_000_000,
  hoursDelayMax: 86_400,

  /** The offload file is put aside as `.1` then: some 60,000 failed requests. */
  offloadBytesMax: 67_108_864,
  /** Wait after the offload file could not be written. */
  offloadRetryMs: 30_000,

  /** Settled requests remembered for an async result that comes late (G5). */
  settledRequestsKept: 10_000,
  /** Places of operators' actions remembered for the audit page; older ones are in the ledger's view. */
  auditedKept: 10_000,
  /** Facts between two sweeps of keys that nothing is known of any more. */
  sweepEveryFacts: 10_000,

  /** Counters of one Edit Ninas Counters request: an element has a few dozen. */
  ninasCountersMax: 100,

  // --- ticketing service
  serviceTimeoutSecondsDefault: 30,
  serviceSettleSecondsDefault: 60,
  /** An answer with 200 tickets of 2 kB. */
  serviceAnswerBytesMax: 1_048_576,
  /**
   * Requests on a connection each, once a service has closed one that its answer had left open. Then keeping one is tried
   * again: the service may only have been restarted. If not, one create in so many may be in doubt.
   */
  serviceFreshConnections: 1_000,
  /** Of an id or a code in its answers: a few dozen are usual. Each stands in several facts, and in rows that are kept. */
  serviceIdCharsMax: 256,
  xmlDepthMax: 32,
  callbackBytesMax: 65_536,
  /**
   * Of one address, beside the results that requests wait for: late and repeated ones, those for nobody, what cannot be
   * read. Each result is a fact, and one that is refused comes again. And, by themselves, so many wrong secrets.
   */
  callbacksPerSecondMax: 100,
  servicesMax: 100,
  /** Of the file that a row's passwordFile names. */
  passwordBytesMax: 4_096,
  serviceNameCharsMax: 64,
  servicePathCharsMax: 1_024,
  serviceUserCharsMax: 256,
  serviceNotesCharsMax: 1_024,
  /** A day: longer than any answer is waited for. */
  serviceSecondsMax: 86_400,
  /** A hundred rows with every cell at its longest are 240 kB; four times that, and UTF-16 fits too. */
  servicesCsvBytesMax: 1_048_576,
  /** Faults of a table told at once: more than a person mends before trying again. */
  tableFaultsMax: 100,
  /** Of a cell in a message. */
  faultTextCharsMax: 80,
  /** How often the gateway's own service table is read, where it has one. */
  gatewayTableSeconds: 60,

  /** Newest facts of a key that a decision record is first sought in; four times as many when they do not reach back far enough. */
  explainFactsMax: 5_000,

  // --- heartbeat
  /** Its own time-out: a receiver answers in milliseconds, and the next beat comes anyway. */
  heartbeatTimeoutMs: 5_000,
  /** Posts to one check in any minute; healthchecks takes no more. With the periods below a run never meets it. */
  heartbeatsPerMinuteMax: 5,
  /** Of a beat's body and of the reason in its fact; an alert shows the first lines of it. */
  heartbeatTextBytesMax: 1_024,
  /** What is read of the receiver's answer: healthchecks says `OK (not found)` with status 200. */
  heartbeatAnswerBytesMax: 256,
  /** A fact each: 1,440 a day, some 150 MB of ledger in a year; at the shortest period four times that. */
  heartbeatEverySecondsDefault: 60,
  heartbeatEverySecondsLowest: 15,
  /** A run is four facts (lock, row, unlock, beat): 1,152 a day; at the shortest period ten times that. */
  heartbeatProbeSecondsDefault: 300,
  /** Two posts a run: four a minute. */
  heartbeatProbeSecondsLowest: 30,
  heartbeatSecondsHighest: 86_400,
  /** How long a probe waits for an idle client; it goes before waiting automatic flows. */
  heartbeatLockWaitSeconds: 30,
  /** Longest probe: the wait for a client and a search of three times the default time-out; then its client is taken back. */
  heartbeatProbeSecondsMax: 120,
  /** Least pause between two runs, where one took longer than its period. */
  heartbeatRestMsMin: 1_000,

  /**
   * What active alarms rest on instead of a ticket is looked at again in 5, 10, 20 … 60 min: a ticket that was closed
   * elsewhere tells nobody, and ten thousand alarms under one are 30 searches a second at first, 3 later.
   */
  coverRecheckSeconds: 300,
  coverRecheckSecondsMax: 3_600,

  // --- topology
  /** Hops from an element to its root: an access network has under ten. */
  pathHopsMax: 64,
  /** A look-up that takes longer counts as failed: the flow decides without the path. */
  topologyTimeoutMs: 2_000,
  /** Elements, addresses, links or paths of a load: five times the largest network asked for; about 2.5 GB of memory while it is loaded. */
  topologyElementsMax: 5_000_000,
  /** Rows of network_path.csv: eight hops for each of 2,500,000 elements. */
  topologyHopRowsMax: 20_000_000,
  /** Files of one load: an export in parts, by region. */
  topologyFilesMax: 100,
  /** An id is an alarmed object's id; as long as those. Two of them and a number fit an index key of MySQL (3,072 bytes). */
  topologyIdCharsMax: 256,
  topologyTextCharsMax: 255,
  /** One row of a file: a quote that is never closed ends here and does not read on to the end. */
  topologyRowCharsMax: 65_536,
  /** Errors of a load that are told one by one; the rest are counted. */
  topologyErrorsMax: 20,
  /** A load that would lose more than this share of the rows in place is taken for an export cut off half-way … */
  topologyDropShareMax: 0.2,
  /** … unless it is no more rows than this: a small network may be rebuilt. */
  topologyDropRowsMin: 100,
  /** Look-ups of one element's details: a load between two of them is rare, a second one a minute away. */
  topologyDetailsTriesMax: 5,
  /** Addresses of one element that are shown. */
  topologyAddressesShownMax: 100,
  /** How long a load waits for another one to end, and a look-up between two tries at a locked file. */
  topologyLoadWaitMs: 2_000,
  topologyRetryMs: 20,
  /** One connection and its log-in to a topology server. */
  topologyConnectMs: 2_000,
  /** Longest statement of a load on a server: an index over the largest table. */
  topologyStatementMs: 600_000,
  /** Look-ups at a time on a server. */
  topologyConnectionsMax: 8,

  // --- ledger
  /** Facts between two snapshots of the fold: 20,000 facts are checked, read back and folded in about a quarter of a second. */
  snapshotEveryFacts: 20_000,
  /** One more fact for so much text of the last snapshot: half of what a fact is, so that a snapshot costs less than its facts. */
  snapshotCharsPerFact: 200,
  /** However large the state: with 60,000 alarms in line a start stays well within two seconds. */
  snapshotEveryFactsMax: 40_000,
  /** A longer snapshot is not read back, and the ledger is folded from further back: half of what a text can hold. */
  snapshotCharsMax: 268_435_456,
  /** Text of a snapshot made and written in one go: a millisecond each. */
  snapshotPartChars: 262_144,
  /** Batches for which a writer without work is not kept waiting for the end of the turn: to write them takes longer than their sync. */
  ledgerGroupBatches: 32,
  /** Text of the facts that are handed to the writer as one group: far below what one message can hold, and written in a second. */
  ledgerGroupChars: 33_554_432,
  /** Batch ids remembered for repeats. */
  batchIdsKept: 10_000,
  ledgerReadRows: 1_000,
  /** Heads of streams kept in memory, of keys, clients and the like; about 10 MB. Alarm streams are probed on disk. */
  ledgerStreamHeadsKept: 50_000,
  /** Facts between two additions to the index of streams and keys: 2,000 take some 5 ms, and a look through them one. */
  ledgerIndexFacts: 2_000,
  /** Older snapshots of the fold go; one is kept in case the newest is damaged. */
  ledgerSnapshotsKept: 2,
  /** The write-ahead log is moved into the file after so many facts or commits: some 10 MB of log. */
  ledgerCheckpointFacts: 8_000,
  ledgerCheckpointCommits: 400,
  /** Pages of the file kept by who writes it: what one commit and one addition to the index touch. The system keeps the rest. */
  ledgerCacheKib: 8_192,
  /** How long a write waits for another program that has the file locked (a person at `sqlite3`) before it counts as failed. */
  ledgerBusyMs: 5_000,

  /** How often the file of tokens is looked at: as often as sockets are asked whether theirs is still good. */
  tokensRereadMs: 15_000,

  // --- process
  /** The longest wait of a timer, 24.8 days: Node counts its milliseconds in 31 bits. */
  timerMsMax: 2_147_483_647,
  drainSecondsDefault: 10,
  /** Log lines kept while stderr cannot be written: some 5,000, the first of them, which say how it began. */
  logWaitingBytesMax: 1_048_576,
  /** XState stops a runaway chain of eventless transitions here; our longest is two. */
  machineIterationsMax: 100,
  portDefault: 8_640,
  deskPortDefault: 8_650,
  httpHeaderBytesMax: 16_384,
  httpRequestTimeoutMs: 30_000,
  /** Requests that a connection may send ahead of their answers: nobody who waits for them does, and each answer is kept until it is read. */
  unansweredPerConnectionMax: 16,
  /** Nothing of an answer was read, nothing asked, no TLS agreed on for so long: as long as a request may take. */
  answerUnreadMsMax: 30_000,
  /** Lines of the log for refusals to one address: enough to see who and what, and a gigabyte would take it a month. */
  refusalsLoggedPerSecond: 3,
  /** A command of the API: a reason of 500 characters and some ids; sixteen times that. */
  apiBodyBytesMax: 16_384,
  /** A reason that an operator gives, a name of a related element. */
  reasonCharsMax: 500,
  elementNameCharsMax: 200,
  /** Rows, flows or acts in one answer. */
  pageRowsDefault: 100,
  pageRowsMax: 500,
  /** Rows looked at for one answer when most do not fit the filter; the cursor goes on from there. */
  rowsExaminedMax: 2_000,
  /** Flows remembered for `GET /api/flows`: 3 MB; and facts read at most to catch up, some 100 ms in slices. */
  flowsKept: 10_000,
  flowFactsReadMax: 20_000,
  /** Alarms remembered for `GET /api/explain?find=`: 3 MB. */
  alarmsFoundKept: 10_000,
  /** Sources under which an alarm's id is sought: one look into the ledger's index each. */
  sourcesSoughtMax: 200,
  /** Keys of one answer whose facts are read: some milliseconds each. */
  keysFoundMax: 20,
  /** A person looks at one answer at a time; a hundred would be a load of its own. */
  debugSearchPerSecondDefault: 5,
  debugSearchPerSecondMax: 100,
  /** Requests in one list of `GET /api/gateway`; the counts beside it are of all. */
  gatewayListMax: 500,
  /** Answers remembered for a repeated Idempotency-Key, and for how long; over the number the oldest leaves. */
  idempotencyKeysKept: 1_000,
  idempotencySeconds: 86_400,
  idempotencyKeyCharsMax: 255,
} as const;
