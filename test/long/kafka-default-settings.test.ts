import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, connect } from "../../src/index.ts";
import { GroupWatch, until } from "../kafka/group-watch.ts";

const missing = kafkaRequirements();
/** `group.initial.rebalance.delay.ms` of a server on which nothing is set. */
const INITIAL_DELAY_MS = 3_000;
/** What joining, looking up places and fetching take besides. */
const OURS_MS = 2_000;
/** A server takes no shorter one. */
const sessionTimeoutMs = 6_000;

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

// The other tests of groups run on a server that forms groups at once, which hides how it is on a server as it comes.
describe.each(missing === null ? ["Kafka"] : [])("a group on a real %s with its own settings", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin">;

  beforeAll(async () => {
    cluster = await startKafka({ profile: "default" });
    connection = await connect(cluster.url, { require: ["topicAdmin"] });
  });

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  async function newTopic(): Promise<GroupWatch> {
    const topic = `orders-${randomUUID()}`;
    await connection.admin.createTopic(topic, { partitions: 6 });
    return new GroupWatch(connection, topic);
  }

  test("its first member handles its first message within 2 s behind the server's delay, the next ones share at once", async () => {
    const watch = await newTopic();
    await watch.send(120);
    const startedAtMs = performance.now();
    const first = watch.join("first", { sessionTimeoutMs });
    await until(() => watch.handled.length > 0, "the first message handled");
    const firstMs = performance.now() - startedAtMs;
    expect(firstMs).toBeGreaterThan(INITIAL_DELAY_MS * 0.9);
    expect(firstMs).toBeLessThan(INITIAL_DELAY_MS + OURS_MS);
    await watch.complete();
    const joinedAtMs = performance.now();
    const second = watch.join("second", { sessionTimeoutMs });
    await watch.shared([first, second], [3, 3]);
    // No delay for who comes later: the others hear of it at their next heartbeat, and give up what is to move.
    expect(performance.now() - joinedAtMs).toBeLessThan(INITIAL_DELAY_MS);
    await watch.close();
    expect(watch.repeats).toBe(0);
  });

  test("members that join at the same time, come and go: nothing is lost, delivered twice or out of order", async () => {
    const watch = await newTopic();
    const comingAndGoing = async (): Promise<void> => {
      const members = ["a", "b", "c"].map((name) => watch.join(name, { sessionTimeoutMs }, 1));
      await watch.shared(members, [2, 2, 2]);
      await members[0]!.close();
      await watch.shared(members.slice(1), [3, 3]);
      const late = watch.join("late", { sessionTimeoutMs }, 1);
      await watch.shared([...members.slice(1), late], [2, 2, 2]);
      await Promise.all(members.slice(1).map((member) => member.close()));
      await watch.shared([late], [6]);
    };
    await watch.sendWhile(comingAndGoing());
    await watch.complete();
    expect(watch.sequences).toEqual(watch.expected);
    expect(watch.overlaps).toEqual([]);
    expect(watch.repeats).toBe(0);
    await watch.close();
  });
});
