import { invalidArgument, limitExceeded } from "../service-error.ts";
import type { Stream } from "../streams/stream.ts";
import { type Handler, type RequestContext, type StreamInput, streamOf } from "./handler.ts";
import { type Member, type Members, streamMembers, tagsMember } from "./members.ts";

const MOST_TAGS = 50;
const keys = {
  type: "list",
  required: true,
  length: [1, 50],
  item: { type: "string", required: true, length: [1, 128] },
} as const satisfies Member;
const requiredTags = { ...tagsMember, required: true } as const satisfies Member;
/** Tags of registered consumers are not kept. */
const resource = { ResourceARN: { ...streamMembers.StreamARN, required: true } } as const satisfies Members;

interface ResourceInput {
  readonly ResourceARN: string;
}
interface Tags {
  readonly Tags: Readonly<Record<string, string>>;
}
interface TagKeys {
  readonly TagKeys: readonly string[];
}

export const tagHandlers: readonly Handler[] = [
  {
    name: "AddTagsToStream",
    members: { ...streamMembers, Tags: requiredTags },
    handle: ({ Tags, ...input }: StreamInput & Tags, context) => addTags(streamOf(input, context), Tags),
  },
  {
    name: "RemoveTagsFromStream",
    members: { ...streamMembers, TagKeys: keys },
    handle: ({ TagKeys, ...input }: StreamInput & TagKeys, context) => removeTags(streamOf(input, context), TagKeys),
  },
  {
    name: "ListTagsForStream",
    members: {
      ...streamMembers,
      ExclusiveStartTagKey: { type: "string", length: [1, 128] },
      Limit: { type: "integer", range: [1, 50] },
    },
    handle: ({ ExclusiveStartTagKey, Limit, ...input }: StreamInput & Page, context) => {
      const behind = tagsOf(streamOf(input, context)).filter(({ Key }) => Key > (ExclusiveStartTagKey ?? ""));
      const page = behind.slice(0, Limit ?? MOST_TAGS);
      return { Tags: page, HasMoreTags: page.length < behind.length };
    },
  },
  {
    name: "TagResource",
    members: { ...resource, Tags: requiredTags },
    handle: ({ Tags, ResourceARN }: ResourceInput & Tags, context) => addTags(resourceOf(ResourceARN, context), Tags),
  },
  {
    name: "UntagResource",
    members: { ...resource, TagKeys: keys },
    handle: ({ TagKeys, ResourceARN }: ResourceInput & TagKeys, context) => removeTags(resourceOf(ResourceARN, context), TagKeys),
  },
  {
    name: "ListTagsForResource",
    members: resource,
    handle: ({ ResourceARN }: ResourceInput, context) => ({ Tags: tagsOf(resourceOf(ResourceARN, context)) }),
  },
];

interface Page {
  readonly ExclusiveStartTagKey?: string | null;
  readonly Limit?: number | null;
}

function resourceOf(ResourceARN: string, context: RequestContext): Stream {
  return streamOf({ StreamARN: ResourceARN }, context);
}

function addTags({ tags }: Stream, added: Tags["Tags"]): object {
  const wrong = Object.keys(added).find((key) => key.length > 128 || key.startsWith("aws:"));
  if (wrong !== undefined) throw invalidArgument(`${wrong} cannot be the key of a tag.`);
  if (new Set([...tags.keys(), ...Object.keys(added)]).size > MOST_TAGS) throw limitExceeded(`A stream has at most ${MOST_TAGS} tags.`);
  for (const [key, value] of Object.entries(added)) tags.set(key, value);
  return {};
}

function removeTags({ tags }: Stream, removed: readonly string[]): object {
  for (const key of removed) tags.delete(key);
  return {};
}

function tagsOf({ tags }: Stream): readonly { readonly Key: string; readonly Value: string }[] {
  return [...tags].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([Key, Value]) => ({ Key, Value }));
}
