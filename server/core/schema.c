/* SPDX-License-Identifier: MIT */
/* schema.c - a schema of either kind. */
#include "server/core/schema.h"

#include <stdio.h>

#include "server/core/mem.h"

struct gw_schema {
  gw__json_schema *json; /**< one of these */
  gw__proto_schema *proto;
};

uint32_t gw__schema_refuse(gws_problem *p, const char *why) {
  p->code = GW_CODE_SCHEMA_MISMATCH;
  (void)snprintf(p->why, sizeof p->why, "%s", why);
  return p->code;
}

static gw_schema *make(gw__json_schema *json, gw__proto_schema *proto,
                       char *why) {
  gw_schema *s = NULL;
  if (json == NULL && proto == NULL) return NULL;
  s = gw_mem_zalloc(sizeof *s);
  if (s == NULL) {
    (void)snprintf(why, GW_SCHEMA_WHY_MAX, "out of memory");
    gw__json_schema_free(json);
    gw__proto_schema_free(proto);
    return NULL;
  }
  s->json = json;
  s->proto = proto;
  return s;
}

gw_schema *gw_schema_from_json(gw_view text, char why[GW_SCHEMA_WHY_MAX]) {
  return make(gw__json_schema_new(text, why), NULL, why);
}

gw_schema *gw_schema_from_descriptors(gw_view set, const char *message,
                                      char why[GW_SCHEMA_WHY_MAX]) {
  return make(NULL, gw__proto_schema_new(set, message, why), why);
}

void gw_schema_free(gw_schema *schema) {
  if (schema == NULL) return;
  gw__json_schema_free(schema->json);
  gw__proto_schema_free(schema->proto);
  gw_mem_free(schema);
}

uint32_t gw_schema_check_json(const gw_schema *schema, const json_t *value,
                              gws_problem *p) {
  if (schema->json == NULL) return GW_CODE_OK;
  return gw__json_schema_check(schema->json, value, p);
}

uint32_t gw_schema_check_message(const gw_schema *schema, gw_view message,
                                 gws_problem *p) {
  if (schema->proto == NULL) return GW_CODE_OK;
  return gw__proto_schema_check(schema->proto, message, p);
}
