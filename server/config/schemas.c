/* SPDX-License-Identifier: MIT */
/* schemas.c - schema files of namespaces, read and compiled at start-up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/load.h"
#include "server/core/schema.h"
#include "server/observe/unreadable.h"

/** A schema is for people to read: one that is larger is another file. */
#define FILE_BYTES_MAX (1024u * 1024u)

/** Tell a mistake in a namespace's schema, by where its path was given. */
static void fail(gw__load *l, const gw_namespace *n, const char *what) {
  gw__load_fail(l, gw_config_place(l->config, &n->schema_file),
                "payload.schema: %s%s", n->schema_file, what);
}

static void fail_reading(gw__load *l, const gw_namespace *n, int err) {
  char what[256];
  (void)snprintf(what, sizeof what, " cannot be read: %s; %s", strerror(err),
                 gw_unreadable_remedy(err));
  fail(l, n, what);
}

/** The content of a file, to be freed; NULL after a mistake, which is told. */
static uint8_t *read_file(gw__load *l, const gw_namespace *n, size_t *len) {
  FILE *file = fopen(n->schema_file, "rbe");
  uint8_t *content = file != NULL ? malloc(FILE_BYTES_MAX + 1u) : NULL;
  if (file == NULL) {
    fail_reading(l, n, errno);
    return NULL;
  }
  *len = content != NULL ? fread(content, 1, FILE_BYTES_MAX + 1u, file) : 0;
  int err = content != NULL && ferror(file) ? errno : 0;
  fclose(file);
  if (content == NULL) l->is_out_of_memory = true;
  if (content == NULL || (err == 0 && *len <= FILE_BYTES_MAX)) return content;
  if (err != 0)
    fail_reading(l, n, err);
  else
    fail(l, n, " is larger than 1 MiB; a schema is for people to read");
  free(content);
  return NULL;
}

static void load_schema(gw__load *l, gw_namespace *n) {
  char why[GW_SCHEMA_WHY_MAX], what[GW_SCHEMA_WHY_MAX + 2];
  size_t len;
  uint8_t *content = read_file(l, n, &len);
  if (content == NULL) return;
  gw_view text = {content, len};
  n->schema = n->payload == GW_TAKES_JSON
                  ? gw_schema_from_json(text, why)
                  : gw_schema_from_descriptors(text, n->schema_message, why);
  free(content);
  if (n->schema != NULL) return;
  (void)snprintf(what, sizeof what, ": %s", why);
  fail(l, n, what);
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
