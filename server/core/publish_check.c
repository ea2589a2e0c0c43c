/* SPDX-License-Identifier: MIT */
/* publish_check.c - what a publication carries, field by field. */
#include "server/core/publish_check.h"

#include "server/core/json_text.h"
#include "server/core/schema.h"

/** A short text of the publisher's choice. */
static uint32_t check_text(gw_view text, size_t max, const char *field,
                           gws_problem *p) {
  if (text.len > max) return gws_problem_set(p, GW_CODE_TOO_BIG, field, NULL);
  if (!gw_view_is_text(text))
    return gws_problem_set(p, GW_CODE_BAD_TEXT, field, NULL);
  return GW_CODE_OK;
}

/* ---- tags ------------------------------------------------------------------ */

static uint32_t check_tag(const gw_tag *tag, gws_problem *p) {
  if (tag->name.len == 0)
    return gws_problem_set(p, GW_CODE_BAD_REQUEST, "tags.name", "is empty");
  uint32_t code = check_text(tag->name, GW_MAX_TAG_NAME_BYTES, "tags.name", p);
  if (code != GW_CODE_OK) return code;
  return check_text(tag->value, GW_MAX_TAG_VALUE_BYTES, "tags.value", p);
}

static uint32_t check_tags(gw_list list, gws_problem *p) {
  gw_view names[GW_MAX_TAGS], item;
  if (list.num > GW_MAX_TAGS)
    return gws_problem_set(p, GW_CODE_TOO_BIG, "tags", "too many of them");
  for (size_t num = 0; gw_list_next(&list, &item); num++) {
    gw_tag tag;
    if (gw_decode_tag(item, &tag) < 0)
      return gws_problem_set(p, GW_CODE_BAD_REQUEST, "tags", "are not tags");
    uint32_t code = check_tag(&tag, p);
    if (code != GW_CODE_OK) return code;
    for (size_t i = 0; i < num; i++) {
      if (gw_view_eq(names[i], tag.name))
        return gws_problem_set(p, GW_CODE_BAD_REQUEST, "tags.name",
                               "given twice");
    }
    names[num] = tag.name;
  }
  return GW_CODE_OK;
}

/* ---- items ----------------------------------------------------------------- */

static uint32_t check_item(const gw_namespace *ns, const gw_publish *msg,
                           gws_problem *p) {
  bool is_map = ns->history_mode == GW_HISTORY_MAP;
  uint32_t code = check_text(msg->item, GW_MAX_ITEM_BYTES, "item", p);
  if (code != GW_CODE_OK) return code;
  if (msg->compare_item && !is_map)
    return gws_problem_set(p, GW_CODE_UNSUPPORTED, "compare_item",
                           "the channel keeps no items");
  if (msg->item.len == 0 && (is_map || msg->removed || msg->compare_item))
    return gws_problem_set(p, GW_CODE_BAD_REQUEST, "item", "is missing");
  if (msg->removed && msg->data.len + msg->json.len != 0)
    return gws_problem_set(p, GW_CODE_BAD_REQUEST, "removed",
                           "goes without a payload");
  return GW_CODE_OK;
}

/* ---- payload --------------------------------------------------------------- */

static uint32_t check_kind(const gw_namespace *ns, const gw_publish *msg,
                           gws_problem *p) {
  bool is_json = ns->payload == GW_TAKES_JSON;
  if (is_json && msg->json.len == 0)
    return gws_problem_set(p, GW_CODE_BAD_REQUEST, "json", "is missing");
  if (!is_json && ns->payload != GW_TAKES_ANY && msg->json.len != 0)
    return gws_problem_set(p, GW_CODE_BAD_REQUEST, "json",
                           "the channel takes data");
  return GW_CODE_OK;
}

/** What is inside of it. */
static uint32_t check_value(const gw_namespace *ns, const json_t *value,
                            gws_problem *p) {
  uint32_t code = GW_CODE_OK;
  if (ns->text == GW_TEXT_NFC) code = gws_json_check_nfc(value, p);
  if (code == GW_CODE_OK && ns->schema != NULL)
    code = gw_schema_check_json(ns->schema, value, p);
  return code;
}

static uint32_t check_json(const gw_namespace *ns, gw_view json,
                           gws_problem *p) {
  json_t *value = gws_json_parse(json, "json", p);
  if (value == NULL) return p->code;
  uint32_t code = check_value(ns, value, p);
  json_decref(value);
  return code;
}

/** A removal has no payload, so there is nothing to look at. */
static uint32_t check_content(const gw_namespace *ns, const gw_publish *msg,
                              gws_problem *p) {
  uint32_t code = check_kind(ns, msg, p);
  if (code != GW_CODE_OK) return code;
  bool wants_json = ns->payload == GW_TAKES_JSON || ns->text == GW_TEXT_NFC;
  if (wants_json && msg->json.len != 0) return check_json(ns, msg->json, p);
  if (ns->payload == GW_TAKES_PROTOBUF && ns->schema != NULL)
    return gw_schema_check_message(ns->schema, msg->data, p);
  return GW_CODE_OK;
}

static bool has_rules(const gw_namespace *ns) {
  return ns->payload != GW_TAKES_ANY || ns->text != GW_TEXT_ANY;
}

static uint32_t check_payload(const gw_namespace *ns, const gw_publish *msg,
                              gws_problem *p) {
  if (msg->data.len != 0 && msg->json.len != 0)
    return gws_problem_set(p, GW_CODE_BAD_REQUEST, "json",
                           "there are data as well");
  if (!gw_view_is_text(msg->json))
    return gws_problem_set(p, GW_CODE_BAD_TEXT, "json", NULL);
  return has_rules(ns) && !msg->removed ? check_content(ns, msg, p)
                                        : GW_CODE_OK;
}

uint32_t gws_publish_check(const gw_namespace *ns, const gw_publish *msg,
                           gws_problem *p) {
  *p->field = *p->why = '\0';
  p->code = GW_CODE_OK;
  uint32_t code = check_payload(ns, msg, p);
  bool has_item = msg->item.len != 0 || msg->removed || msg->compare_item;
  if (code == GW_CODE_OK && (has_item || ns->history_mode == GW_HISTORY_MAP))
    code = check_item(ns, msg, p);
  if (code == GW_CODE_OK && msg->tags.num != 0) code = check_tags(msg->tags, p);
  if (code == GW_CODE_OK && msg->meta.len != 0)
    code = gws_json_check(msg->meta, GW_MAX_CHANNEL_META_BYTES, "meta", p);
  return code;
}
