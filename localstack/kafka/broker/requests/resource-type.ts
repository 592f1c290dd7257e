/** Numbers of the resources that have settings. */
export const TOPIC_RESOURCE = 2;
