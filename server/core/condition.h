/* SPDX-License-Identifier: MIT */
/* condition.h - what the fields of a JSON value have to be like. */
#ifndef GODWIT_SERVER_CONDITION_H
#define GODWIT_SERVER_CONDITION_H

#include "godwit/wire.h"

/** As in api.proto. */
enum gws_comparison {
  GWS_EQUAL,
  GWS_NOT_EQUAL,
  GWS_LESS,
  GWS_AT_MOST,
  GWS_GREATER,
  GWS_AT_LEAST,
  GWS_EXISTS,
  GWS_ABSENT
};

typedef struct json_t json_t;

typedef struct gws_condition {
  const char *field; /**< of a field in a field: both, a dot between */
  uint32_t is;       /**< enum gws_comparison */
  json_t *value;     /**< NULL for EXISTS and ABSENT */
} gws_condition;

/** A JSON text as a value, freed by gws_json_free; NULL when it is none. */
json_t *gws_json_read(gw_view text);
void gws_json_free(json_t *value); /**< NULL is fine */

/** Whether a value meets all. NULL: one without fields. */
bool gws_conditions_hold(const gws_condition *conditions, size_t num,
                         const json_t *value);

#endif
