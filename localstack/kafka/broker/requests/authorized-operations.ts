/** Kafka's numbers of operations. Each is the number of a bit in the set. */
const OPERATION = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const;

/** Kafka's value when the client has not requested the operations. */
const NOT_REPORTED = -2_147_483_648;

/** The operations on each kind of resource. Without an authorizer every client may perform all of them. */
const ALL = {
  topic: bits("read", "write", "create", "describe", "delete", "alter", "describeConfigs", "alterConfigs"),
  group: bits("read", "describe", "delete", "describeConfigs", "alterConfigs"),
  cluster: bits("create", "clusterAction", "describeConfigs", "alterConfigs", "idempotentWrite", "alter", "describe"),
} as const;

function bits(...operations: readonly (keyof typeof OPERATION)[]): number {
  return operations.reduce((set, operation) => set | (1 << OPERATION[operation]), 0);
}

/** The operations that the client may perform, as a set of bits. */
export function authorizedOperations(resource: keyof typeof ALL, isAsked: boolean): number {
  return isAsked ? ALL[resource] : NOT_REPORTED;
}
