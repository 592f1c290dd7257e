/** Made by aws-kinesis-agg: the first by the package 4.2.8 of npm, the others by the package of PyPI. In base64, with the user records that they hold. */
export const AGGREGATES: readonly {
  readonly name: string;
  readonly data: string;
  readonly records: readonly (readonly [key: string, value: string])[];
}[] = [
  {
    name: "three records of two keys",
    data: "84mawgoBYQoBYhoHCAAaA29uZRoHCAEaA3R3bxoJCAAaBXRocmVl7LQL+ttKeb2aTeDcIlFt/Q==",
    records: [
      ["a", "one"],
      ["b", "two"],
      ["a", "three"],
    ],
  },
  {
    name: "one record",
    data: "84mawgoEb25seRoJCAAaBWFsb25lIoY6Oqhxuonau7PFXkso1g==",
    records: [["only", "alone"]],
  },
  {
    name: "explicit hash keys at both ends",
    data: "84mawgoBYQoBYhIBNxInMzQwMjgyMzY2OTIwOTM4NDYzNDYzMzc0NjA3NDMxNzY4MjExNDU1GgkIABAAGgNvbmUaCQgBEAEaA3R3b2b4XWkpisUZnVe+F9VSve8=",
    records: [
      ["a", "one"],
      ["b", "two"],
    ],
  },
];
