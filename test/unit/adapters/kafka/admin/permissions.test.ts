import { expect, test } from "vitest";
import { permissionsFrom } from "../../../../../adapters/kafka/admin/permissions.ts";

/** The form of a server's answer: one bit for each operation, at the number of Kafka's `AclOperation`. */
const [READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, ALTER_CONFIGS] = [3, 4, 5, 6, 7, 8, 11].map((number) => 1 << number) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

function allowedOf(granted: Parameters<typeof permissionsFrom>[0]): Readonly<Record<string, boolean | null>> {
  return Object.fromEntries(permissionsFrom(granted).map(({ operation, isAllowed }) => [operation, isAllowed]));
}

test("all operations are allowed", () => {
  const topic = READ | WRITE | CREATE | DELETE | ALTER | DESCRIBE | ALTER_CONFIGS;
  const permissions = permissionsFrom({ topic, group: READ | DELETE | DESCRIBE, cluster: CREATE });
  expect(permissions).toHaveLength(7);
  for (const permission of permissions) expect(permission).toMatchObject({ isAllowed: true, lacking: [] });
});

test("a user who may only read a topic may consume it in a group that he may read, and nothing else", () => {
  expect(allowedOf({ topic: READ | DESCRIBE, group: READ | DESCRIBE, cluster: 0 })).toEqual({
    send: false,
    consume: true,
    createTopic: false,
    updateTopic: false,
    deleteTopic: false,
    resetGroup: true,
    deleteGroup: false,
  });
});

test("all missing permissions are named", () => {
  const lacking = Object.fromEntries(
    permissionsFrom({ topic: ALTER, group: 0, cluster: 0 }).map((granted) => [granted.operation, granted.lacking]),
  );
  expect(lacking).toEqual({
    send: ["Write on the topic"],
    consume: ["Read on the topic", "Read on the group"],
    createTopic: ["Create on the topic or Create on the cluster"],
    updateTopic: ["AlterConfigs on the topic"],
    deleteTopic: ["Delete on the topic"],
    resetGroup: ["Read on the topic", "Read on the group"],
    deleteGroup: ["Delete on the group"],
  });
});

test("one of the two permissions to create is enough", () => {
  expect(allowedOf({ topic: CREATE, group: null, cluster: 0 })).toMatchObject({ createTopic: true });
  expect(allowedOf({ topic: 0, group: null, cluster: CREATE })).toMatchObject({ createTopic: true });
  expect(allowedOf({ topic: 0, group: null, cluster: null })).toMatchObject({ createTopic: null });
});

test("unreported operations leave the result open, unless another one is missing", () => {
  expect(allowedOf({ topic: null, group: null, cluster: null })).toEqual({
    send: null,
    consume: null,
    createTopic: null,
    updateTopic: null,
    deleteTopic: null,
    resetGroup: null,
    deleteGroup: null,
  });
  expect(allowedOf({ topic: READ, group: null, cluster: 0 })).toMatchObject({ consume: null, send: false });
  expect(allowedOf({ topic: WRITE, group: null, cluster: 0 })).toMatchObject({ consume: false });
});
