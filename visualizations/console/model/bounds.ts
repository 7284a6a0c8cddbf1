/** How much a page keeps, each with its reason. What is older is asked of the engine when somebody wants it. */
export const bounds = {
  /** Facts, with their payloads: some 2 MB, and two seconds of the busiest engine. */
  eventsMax: 2_000,
  /** Facts fetched back beyond those, when asked for. */
  olderEventsMax: 5_000,
  olderEventsPage: 500,
  /** Of the past, for whoever opens the page: some sixty flows. */
  historyFacts: 1_000,
  /** With more clients the second snapshot would cost more than the history is worth: there it fills by itself at once. */
  historyClientsMax: 1_000,
  alarmsMax: 1_000,
  /** With the facts of each, about fifteen. */
  flowsMax: 1_000,
  factsPerFlowMax: 200,
  /** Rows of all clients together; a client's own page asks the engine for its rows. */
  rowsMax: 2_000,
  /** Of each client, for the time slider: some ten flows. Ten thousand clients make 30 MB of them. */
  stepsPerClientMax: 50,
  /** Charts: ten minutes in steps of five seconds. */
  bucketSeconds: 5,
  bucketsMax: 120,
  /** A client counts as busy too long when a command outlives the time-out of its service by this. */
  busyGraceSeconds: 5,
  /** Of the time a lock is given; what is older is an exception. */
  lockShareMax: 0.75,
  /** How long failed searches stay among the exceptions. */
  failuresShownMinutes: 15,
  /** As many of them are counted. */
  failuresMax: 1_000,
  /** Times of each exception that are listed. */
  exceptionsListed: 5,
} as const;
