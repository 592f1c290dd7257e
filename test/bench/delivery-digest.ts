const MULTIPLIER = 0x9e3779b1;

/** What has arrived: how many, how many bytes, and which, in any order and as often as it came. */
export class DeliveryDigest {
  messages = 0;
  bytes = 0;
  numbers = 0;

  /** @param value begins with its number, as those of `workload` do */
  add(value: Uint8Array): void {
    const number = (value[0]! << 24) | (value[1]! << 16) | (value[2]! << 8) | value[3]!;
    this.messages += 1;
    this.bytes += value.length;
    this.numbers = (this.numbers + Math.imul(number + 1, MULTIPLIER)) | 0;
  }

  /** @throws when this is not exactly these values, each of them so many times */
  verify(what: string, values: Iterable<Uint8Array>, times = 1): void {
    const expected = new DeliveryDigest();
    for (const value of values) expected.add(value);
    const { messages, bytes } = expected;
    if (this.messages !== messages * times || this.bytes !== bytes * times || this.numbers !== Math.imul(expected.numbers, times)) {
      throw new Error(`${what}: ${this.messages} messages arrived where ${messages * times} were sent, or they are others`);
    }
  }
}
