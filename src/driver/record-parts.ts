/**
 * Is told the parts of a record where they lie in memory: a view of each would cost more than a look at it. A length of -1 stands for `null`. The memory may be
 * read until the call returns, and must not be changed.
 */
export interface RecordParts {
  key(memory: DataView, at: number, length: number): void;
  value(memory: DataView, at: number, length: number): void;
  /** One header, in the order of the list. The name is its bytes: UTF-8, or whatever was stored. */
  header(memory: DataView, nameAt: number, nameLength: number, valueAt: number, valueLength: number): void;
}
