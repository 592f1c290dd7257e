import type { Message } from "../../../message.ts";
import { expectBytes, expectEqual } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { type Sequenced, keyNames, showSequenced } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { publish, readAll, readStored, untilComplete } from "../../support/stream-steps.ts";

const groupsStay = defineCase({
  name: "replay/isolation/groups-stay",
  promise: 8,
  mutant: "reader-moves-the-group",
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const handled = context.history();
    await publish(context, handled, topic, keyNames(8), 3);
    const first = context.member(topic, { group }, recordInto(handled, "first"));
    await untilComplete(context, handled);
    await first.close();
    const rest = handled.continued();
    await publish(context, rest, topic, keyNames(8), 3);
    const before = await context.admin.describeGroup(topic.name, group);
    const replayed = context.history();
    await readStored(context, replayed, topic);
    expectEqual(
      replayed.received.length,
      handled.sent.length + rest.sent.length,
      "messages of a replay, what a group has handled included",
    );
    const after = await context.admin.describeGroup(topic.name, group);
    expectEqual(after.bookmark, before.bookmark, "where the group stands after the replay");
    const second = context.member(topic, { group }, recordInto(rest, "second"));
    await untilComplete(context, rest);
    await second.close();
    checkExactlyOnceInOrder(rest.sent, rest.received, topic.name);
  },
});

const sameMessages = defineCase({
  name: "replay/isolation/same-messages",
  promise: 8,
  mutant: "stamps-the-time-of-reading",
  run: async (context) => {
    const topic = await context.topic();
    const stream = sequencedTopic(context.connection, topic);
    const history = context.history();
    const producer = stream.producer();
    const sends = keyNames(8).map((key, index) => {
      return producer.send({ value: history.next(topic.name, key), headers: { index: String(index), trace: `t-${key}` } });
    });
    await context.within(Promise.all(sends), "the sends to resolve");
    const handled = new Map<string, Message<Sequenced>>();
    const member = context.member(topic, { group: await context.group(topic) }, (message) => {
      handled.set(identify(message.value), message);
      history.receive(message);
    });
    await untilComplete(context, history);
    await member.close();
    await context.deadline.pause(5, "the clock to move on");
    const replayed = await readAll(context, sequencedTopic(await context.connect(), topic), { from: topic.start, until: "now" });
    expectEqual(replayed.length, history.sent.length, "messages of a replay of everything");
    for (const message of replayed) {
      const original = handled.get(identify(message.value));
      const name = showSequenced(message.value);
      expectEqual(message.position, original?.position, `replay: the position of ${name}`);
      expectEqual(message.partition, original?.partition, `replay: the partition of ${name}`);
      expectEqual(message.timestamp.getTime(), original?.timestamp.getTime(), `replay: the time of ${name}`);
      expectEqual(message.key, original?.key, `replay: the key of ${name}`);
      expectEqual(JSON.stringify(message.headers), JSON.stringify(original?.headers), `replay: the headers of ${name}`);
      expectEqual(message.headers["trace"], `t-${message.value.key}`, `replay: a header of ${name}`);
      expectBytes(message.raw.value, original?.raw.value ?? null, `replay: the bytes of ${name}`);
    }
  },
});

export const replayIsolationCases = [groupsStay, sameMessages];
