/* SPDX-License-Identifier: MIT */
/* schemas.c - schema files of namespaces, read and compiled at start-up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/load.h"
#include "server/core/schema.h"

/** A schema is for people to read: one that is larger is another file. */
#define FILE_BYTES_MAX (1024u * 1024u)

/** The content of a file, to be freed; NULL after a mistake, which is told. */
static uint8_t *read_file(gw__load *l, const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  uint8_t *content = file != NULL ? malloc(FILE_BYTES_MAX + 1u) : NULL;
  if (file == NULL) {
    gw__load_fail(l, path, "cannot be read: %s", strerror(errno));
    return NULL;
  }
  *len = content != NULL ? fread(content, 1, FILE_BYTES_MAX + 1u, file) : 0;
  bool is_bad = ferror(file) != 0 || *len > FILE_BYTES_MAX;
  fclose(file);
  if (content == NULL) l->is_out_of_memory = true;
  if (content == NULL || !is_bad) return content;
  gw__load_fail(l, path,
                *len > FILE_BYTES_MAX ? "is larger than 1 MiB"
                                      : "cannot be read");
  free(content);
  return NULL;
}

static void load_schema(gw__load *l, gw_namespace *n) {
  char why[GW_SCHEMA_WHY_MAX];
  size_t len;
  uint8_t *content = read_file(l, n->schema_file, &len);
  if (content == NULL) return;
  gw_view text = {content, len};
  n->schema = n->payload == GW_TAKES_JSON
                  ? gw_schema_from_json(text, why)
                  : gw_schema_from_descriptors(text, n->schema_message, why);
  free(content);
  if (n->schema == NULL) gw__load_fail(l, n->schema_file, "%s", why);
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
    if (check(l, n)) load_schema(l, n);
  }
}
