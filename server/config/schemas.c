/* SPDX-License-Identifier: MIT */
/* schemas.c - schema files of namespaces, read and compiled at start-up. */
#include <stdlib.h>
#include <string.h>

#include "server/config/load.h"
#include "server/core/schema.h"
#include "server/observe/small_file.h"

/** A schema is for people to read: one that is larger is another file. */
#define FILE_BYTES_MAX (1024u * 1024u)

/** Tell a mistake in a namespace's schema, by where its path was given. */
static void fail(gw__load *l, const gw_namespace *n, const char *joint,
                 const char *why) {
  gw__load_fail(l, gw_config_place(l->config, &n->schema_file),
                "payload.schema: %s%s%s", n->schema_file, joint, why);
}

static void load_schema(gw__load *l, gw_namespace *n) {
  char unread[GW_SMALL_FILE_WHY_MAX], why[GW_SCHEMA_WHY_MAX];
  size_t len;
  char *content =
      gw_small_file_read(n->schema_file, FILE_BYTES_MAX, &len, unread);
  if (content == NULL) {
    fail(l, n, " ", unread);
    return;
  }
  gw_view text = {(const uint8_t *)content, len};
  n->schema = n->payload == GW_TAKES_JSON
                  ? gw_schema_from_json(text, why)
                  : gw_schema_from_descriptors(text, n->schema_message, why);
  free(content);
  if (n->schema == NULL) fail(l, n, ": ", why);
}

/** Whether an earlier namespace has had the same one from the same place, in vain:
 * what holds for many is told once. */
static bool is_told(const gw_config *c, size_t number) {
  const gw_namespace *n = &c->namespaces[number];
  const char *where = gw_config_place(c, &n->schema_file);
  for (size_t i = 0; i < number; i++) {
    const gw_namespace *other = &c->namespaces[i];
    if (other->schema == NULL && other->payload == n->payload &&
        where == gw_config_place(c, &other->schema_file) &&
        strcmp(other->schema_message, n->schema_message) == 0)
      return true;
  }
  return false;
}

/** Whether the keys about schemas fit each other. */
static bool check(gw__load *l, const gw_namespace *n) {
  bool has_file = *n->schema_file != '\0';
  bool has_message = *n->schema_message != '\0';
  size_t before = l->num_errors;
  if (has_file && n->payload != GW_TAKES_JSON &&
      n->payload != GW_TAKES_PROTOBUF)
    gw__load_fail(l, "payload.schema",
                  "needs payload.type json or protobuf beside it");
  if (has_message && n->payload != GW_TAKES_PROTOBUF)
    gw__load_fail(l, "payload.message",
                  "is for payload.type protobuf, and for nothing else");
  if (n->payload == GW_TAKES_PROTOBUF && has_file != has_message)
    gw__load_fail(l, has_file ? "payload.message" : "payload.schema",
                  "is missing: a message needs the file that it is in, and a "
                  "file does not say which message");
  return l->num_errors == before && has_file;
}

void gw__config_load_schemas(gw__load *l) {
  gw_config *c = l->config;
  for (size_t i = 0; i < c->settings.num_namespaces; i++) {
    gw_namespace *n = &c->namespaces[i];
    if (check(l, n) && !is_told(c, i)) load_schema(l, n);
  }
}
