/** How a store was seen to behave. What is absent was not found out. */
export interface Behaviour {
  /** A read that names another ETag is refused, and one that names the object's own is not. */
  readonly conditionalRead?: boolean | undefined;
  /** A read of a range is answered with that range. */
  readonly ranges?: boolean | undefined;
  /** Entries of a listing come in the order that `list` promises. */
  readonly ordered?: boolean | undefined;
  /** A part whose bytes do not match its MD5 is refused. */
  readonly checksMd5?: boolean | undefined;
  /** A put in the mode `create` leaves the object that has the key. */
  readonly conditionalPut?: boolean | undefined;
  /** A removal that names another ETag leaves the object. */
  readonly conditionalRemove?: boolean | undefined;
}

/** Of both stores of a task. */
export interface TaskBehaviour {
  readonly source: Behaviour;
  readonly target: Behaviour;
}
