/** Numbers of Kafka's `AclOperation`. */
const READ = 3;
const WRITE = 4;
const CREATE = 5;
const DELETE = 6;
const ALTER = 7;
const DESCRIBE = 8;
const CLUSTER_ACTION = 9;
const DESCRIBE_CONFIGS = 10;
const ALTER_CONFIGS = 11;
const IDEMPOTENT_WRITE = 12;

/** What a server without access control lists tells that one may do: every operation that there is on the resource, a bit each. */
export const TOPIC_OPERATIONS = bitsOf(READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS);
export const GROUP_OPERATIONS = bitsOf(READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS);
export const CLUSTER_OPERATIONS = bitsOf(CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE);
/** What it tells who has not asked. */
export const NOT_ASKED = -2_147_483_648;

function bitsOf(...operations: readonly number[]): number {
  return operations.reduce((bits, operation) => bits | (1 << operation), 0);
}
