/**
 * What a group has handled behind its place in a partition: everything up to and including `upTo`, except the records at the
 * positions in `except`. They are in log order, each once, behind the place, and none is behind `upTo`; the last may be `upTo` itself, where
 * a driver has left out what does not fit and cannot name the position before it. Positions at which nothing is stored may lie in
 * between. It belongs to exactly the place that is stored with it, and means nothing beside another one.
 */
export interface HandledAhead {
  readonly upTo: string;
  readonly except: readonly string[];
}
