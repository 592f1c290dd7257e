import { randomUUID } from "node:crypto";
import { LIMITS } from "../limits.ts";
import { Code, Refusal } from "../refusal.ts";
import { checkLabels, checkName, projectOf } from "../resources/names.ts";
import type { FieldMask, PageRequest, Seconds, SnapshotMessage } from "../wire/messages.ts";
import { firstMsFrom } from "../wire/seconds.ts";
import type { Call } from "./call.ts";
import { usedSubscription } from "./delivery-calls.ts";
import { pageOf } from "./page.ts";
import type { OfSubscription } from "./subscription-calls.ts";
import { updated } from "./update.ts";

interface OfSnapshot {
  readonly snapshot: string;
}

const ofSnapshot = ({ snapshot }: OfSnapshot): OfSnapshot => ({ snapshot });
const CHANGEABLE: ReadonlySet<string> = new Set(["labels"]);

export const createSnapshot: Call<OfSubscription & { readonly name: string; readonly labels: Readonly<Record<string, string>> }> = {
  subject: ({ subscription }) => ({ subscription }),
  handle({ name: given, subscription, labels }, { registry }) {
    const name = given === "" ? `projects/${projectOf(subscription)}/snapshots/s-${randomUUID()}` : given;
    checkName("snapshots", name);
    checkLabels(labels, LIMITS.labels);
    return registry.createSnapshot(name, usedSubscription(registry, subscription), labels).message;
  },
};

export const getSnapshot: Call<OfSnapshot> = {
  subject: ofSnapshot,
  handle: ({ snapshot }, { registry }) => registry.snapshot(snapshot).message,
};

export const updateSnapshot: Call<{ readonly snapshot: SnapshotMessage | null; readonly updateMask: FieldMask | null }> = {
  subject: ({ snapshot }) => ({ snapshot: snapshot?.name ?? "" }),
  handle({ snapshot: changes, updateMask }, { registry }) {
    if (changes === null) throw new Refusal(Code.invalidArgument, "The snapshot is missing.");
    const snapshot = registry.snapshot(changes.name);
    const { labels } = updated(snapshot.message, changes, updateMask, CHANGEABLE);
    checkLabels(labels, LIMITS.labels);
    snapshot.labels = labels;
    return snapshot.message;
  },
};

export const listSnapshots: Call<PageRequest & { readonly project: string }> = {
  subject: () => ({}),
  handle(request, { registry }) {
    registry.checkProject(request.project);
    const { page, nextPageToken } = pageOf(registry.snapshotsOf(projectOf(request.project)), request);
    return { snapshots: page.map(({ message }) => message), nextPageToken };
  },
};

export const deleteSnapshot: Call<OfSnapshot> = {
  subject: ofSnapshot,
  handle({ snapshot }, { registry }) {
    registry.deleteSnapshot(snapshot);
    return {};
  },
};

export const seek: Call<OfSubscription & { readonly time: Seconds | null; readonly snapshot: string }> = {
  subject: ({ subscription }) => ({ subscription }),
  handle({ subscription: name, time, snapshot: snapshotName }, { registry }) {
    const subscription = usedSubscription(registry, name);
    if (snapshotName !== "") {
      const snapshot = registry.snapshot(snapshotName);
      if (snapshot.topic === null || snapshot.topic !== subscription.topic) {
        throw new Refusal(Code.failedPrecondition, "The snapshot and the subscription are not of the same topic.");
      }
      if (subscription.isOrdered && !snapshot.isOrdered) {
        throw new Refusal(Code.failedPrecondition, "An ordered subscription cannot go to a snapshot of one without order.");
      }
      subscription.restore(snapshot);
    } else if (time === null) {
      throw new Refusal(Code.invalidArgument, "A seek needs a time or a snapshot.");
    } else subscription.seekTo(firstMsFrom(time));
    return {};
  },
};
