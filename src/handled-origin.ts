/** What a group had handled of the log from which it was moved: messages that a migration has carried, up to an ordinal in each partition of that log. */
export interface HandledOrigin {
  /** `sourceIdOf` the log. */
  readonly source: string;
  /** By partition of the log, decimal: everything up to it is handled. */
  readonly ordinals: ReadonlyMap<string, string>;
}

/** `<source id> <partition>=<ordinal> …`, in visible ASCII. Partitions are percent-encoded. */
export function originText({ source, ordinals }: HandledOrigin): string {
  const parts = [...ordinals].map(([partition, ordinal]) => `${encodeURIComponent(partition)}=${ordinal}`);
  return [source, ...parts].join(" ");
}

/** @returns `null` for a text that `originText` did not make: then what it names comes again */
export function parseOrigin(text: string): HandledOrigin | null {
  const [source, ...parts] = text.split(" ");
  const ordinals = new Map<string, string>();
  for (const part of parts) {
    const [, partition, ordinal] = /^([^=]+)=(\d+)$/.exec(part) ?? [];
    if (partition === undefined || ordinal === undefined) return null;
    try {
      ordinals.set(decodeURIComponent(partition), ordinal);
    } catch {
      return null;
    }
  }
  return source === undefined || source === "" ? null : { source, ordinals };
}
