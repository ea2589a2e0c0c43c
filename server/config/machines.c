/* SPDX-License-Identifier: MIT */
/* machines.c - state machines of the configuration: read, and held to sense. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/yaml.h"
#include "server/core/machine.h"

/** Anything less is a mistake, or a loop that only heats. */
#define AFTER_MIN_MS 10u
#define AFTER_MAX_MS (30u * 24u * 3600u * 1000u)

/** The machine, or the transition of it, that is being read. */
typedef struct reading {
  gw__load *load;
  gw__yaml *yaml;
  gw_machine *machine;
  char path[64]; /**< machines[0] */
} reading;

/** What is wrong with one of its keys begins with that, and a colon. */
static void fail(const reading *r, const yaml_node_t *node, const char *format,
                 ...) {
  char where[GW__WHERE_MAX], text[256];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  bool is_of_key = text[strcspn(text, ": ")] == ':';
  gw__load_fail(r->load, gw__yaml_where(r->yaml, node, where), "%s%s%s",
                r->path, is_of_key ? "." : ": ", text);
}

/* ---- nodes ------------------------------------------------------------------ */

/** The value of a key; NULL: it is not there, or empty. */
static yaml_node_t *value_of(const reading *r, const yaml_node_t *mapping,
                             const char *name) {
  yaml_document_t *d = &r->yaml->document;
  for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
       p < mapping->data.mapping.pairs.top; p++) {
    yaml_node_t *key = yaml_document_get_node(d, p->key);
    yaml_node_t *value = yaml_document_get_node(d, p->value);
    if (key->type == YAML_SCALAR_NODE &&
        strcmp(gw__yaml_text(key), name) == 0 && !gw__yaml_is_null(value))
      return value;
  }
  return NULL;
}

static bool is_word(const char *text) {
  size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
  return len != 0 && len <= GW_MACHINE_NAME_MAX && text[len] == '\0';
}

/** The text of a single value; NULL after a mistake, which is told. */
static const char *text_of(const reading *r, const yaml_node_t *node,
                           const char *name) {
  if (node->type == YAML_SCALAR_NODE) return gw__yaml_text(node);
  fail(r, node, "%s: must be a single value", name);
  return NULL;
}

static bool take_word(const reading *r, const yaml_node_t *node,
                      const char *name, char to[GW_MACHINE_NAME_MAX + 1]) {
  const char *text = text_of(r, node, name);
  if (text == NULL) return false;
  if (is_word(text)) {
    (void)snprintf(to, GW_MACHINE_NAME_MAX + 1, "%s", text);
    return true;
  }
  fail(r, node,
       "%s: '%.60s' must be 1 to %u letters, digits, dashes or underscores",
       name, text, GW_MACHINE_NAME_MAX);
  return false;
}

/** Whether a mapping has only keys that are known, each once. */
static void check_keys(const reading *r, const yaml_node_t *mapping,
                       const char *const *names) {
  yaml_document_t *d = &r->yaml->document;
  for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
       p < mapping->data.mapping.pairs.top; p++) {
    yaml_node_t *key = yaml_document_get_node(d, p->key);
    const char *text = key->type == YAML_SCALAR_NODE ? gw__yaml_text(key) : "?";
    gw__nearest nearest = GW__NEAREST_NONE;
    bool is_known = false, is_again = false;
    for (const char *const *n = names; *n != NULL; n++) {
      is_known = is_known || strcmp(*n, text) == 0;
      gw__nearest_try(&nearest, *n, text);
    }
    for (yaml_node_pair_t *q = mapping->data.mapping.pairs.start; q < p; q++) {
      yaml_node_t *other = yaml_document_get_node(d, q->key);
      is_again = is_again || (other->type == YAML_SCALAR_NODE &&
                              strcmp(gw__yaml_text(other), text) == 0);
    }
    if (!is_known)
      fail(r, key, "%.60s: there is no such key; the nearest is %s", text,
           nearest.name);
    else if (is_again)
      fail(r, key, "%s: given twice", text);
  }
}

/* ---- states ----------------------------------------------------------------- */

static int find_state(const gw_machine *m, const char *name) {
  for (int i = 0; i < m->num_states; i++) {
    if (strcmp(m->states[i], name) == 0) return i;
  }
  return -1;
}

static void read_states(reading *r, const yaml_node_t *list) {
  gw_machine *m = r->machine;
  if (list->type != YAML_SEQUENCE_NODE) {
    fail(r, list, "states: must be a list");
    return;
  }
  for (yaml_node_item_t *i = list->data.sequence.items.start;
       i < list->data.sequence.items.top; i++) {
    yaml_node_t *node = yaml_document_get_node(&r->yaml->document, *i);
    char name[GW_MACHINE_NAME_MAX + 1];
    if (m->num_states == GW_MACHINE_STATES_MAX) {
      fail(r, node, "states: more than %u", GW_MACHINE_STATES_MAX);
      return;
    }
    if (!take_word(r, node, "states", name)) continue;
    if (find_state(m, name) >= 0)
      fail(r, node, "states: '%s' is given twice", name);
    else
      memcpy(m->states[m->num_states++], name, sizeof name);
  }
}

/** Index of the state that a node names; -1 after a mistake, which is told. */
static int state_at(const reading *r, const yaml_node_t *node,
                    const char *name) {
  const char *text = text_of(r, node, name);
  int state = text != NULL ? find_state(r->machine, text) : -1;
  if (text != NULL && state < 0)
    fail(r, node, "%s: there is no state '%.60s'", name, text);
  return state;
}

/* ---- transitions ------------------------------------------------------------ */

static void read_after(const reading *r, const yaml_node_t *node,
                       uint32_t *after_ms) {
  static const gw__key key = {.path = "after",
                              .type = GW__KEY_DURATION,
                              .min = AFTER_MIN_MS,
                              .max = AFTER_MAX_MS};
  char why[GW__WHY_MAX];
  const char *text = text_of(r, node, "after");
  if (text != NULL && gw__value_set(&key, after_ms, text, why) != 0)
    fail(r, node, "after: %.200s", why);
}

static void read_who(const reading *r, const yaml_node_t *node, uint32_t *who) {
  static const gw__key key = {
      .path = "who", .type = GW__KEY_RULE, .max = GW_WHO_ANYONE | GW_WHO_USER};
  char why[GW__WHY_MAX];
  const char *text = text_of(r, node, "who");
  gw_rule rule = {.who = 0};
  if (text == NULL) return;
  if (gw__value_set(&key, &rule, text, why) != 0)
    fail(r, node, "who: '%.60s' must be anyone, user or nobody", text);
  *who = rule.who;
}

static void add_transition(const reading *r, const yaml_node_t *node,
                           const gw_machine_transition *t) {
  gw_machine *m = r->machine;
  for (int i = 0; i < m->num_transitions; i++) {
    const gw_machine_transition *o = &m->transitions[i];
    if (o->from != t->from) continue;
    if (o->to == t->to) {
      fail(r, node, "there is another one to '%s' from there",
           m->states[t->to]);
      return;
    }
    if (o->after_ms != 0 && t->after_ms != 0) {
      fail(r, node, "after: the state leaves by itself already, to '%s'",
           m->states[o->to]);
      return;
    }
  }
  if (m->num_transitions == GW_MACHINE_TRANSITIONS_MAX) {
    fail(r, node, "more than %u", GW_MACHINE_TRANSITIONS_MAX);
    return;
  }
  m->transitions[m->num_transitions++] = *t;
}

/** One for each state in `from`: a name, a list of names, or * for any. */
static void add_from(const reading *r, const yaml_node_t *node,
                     const yaml_node_t *from, gw_machine_transition *t) {
  if (from->type == YAML_SEQUENCE_NODE) {
    for (yaml_node_item_t *i = from->data.sequence.items.start;
         i < from->data.sequence.items.top; i++) {
      int state =
          state_at(r, yaml_document_get_node(&r->yaml->document, *i), "from");
      t->from = (uint8_t)state;
      if (state >= 0) add_transition(r, node, t);
    }
    return;
  }
  const char *text = text_of(r, from, "from");
  if (text == NULL) return;
  bool is_any = strcmp(text, "*") == 0;
  if (is_any && t->after_ms != 0) {
    fail(r, from, "after: goes with a state to leave, not with *");
    return;
  }
  int state = is_any ? GW_MACHINE_ANY : state_at(r, from, "from");
  t->from = (uint8_t)state;
  if (state >= 0) add_transition(r, node, t);
}

static void read_transition(reading *r, const yaml_node_t *node) {
  static const char *const names[] = {"from", "to", "who", "after", NULL};
  gw_machine_transition t = {.who = GW_WHO_ANYONE};
  if (node->type != YAML_MAPPING_NODE) {
    fail(r, node, "must hold keys and values");
    return;
  }
  check_keys(r, node, names);
  const yaml_node_t *from = value_of(r, node, "from");
  const yaml_node_t *to = value_of(r, node, "to");
  const yaml_node_t *after = value_of(r, node, "after");
  const yaml_node_t *who = value_of(r, node, "who");
  if (from == NULL || to == NULL) {
    fail(r, node, "%s: is missing", from == NULL ? "from" : "to");
    return;
  }
  /* What happens by itself is nobody's to do, unless it says so. */
  if (after != NULL) t.who = 0;
  if (after != NULL) read_after(r, after, &t.after_ms);
  if (who != NULL) read_who(r, who, &t.who);
  int state = state_at(r, to, "to");
  t.to = (uint8_t)state;
  if (state >= 0) add_from(r, node, from, &t);
}

static void read_transitions(reading *r, const yaml_node_t *list) {
  reading inner = *r;
  if (list->type != YAML_SEQUENCE_NODE) {
    fail(r, list, "transitions: must be a list");
    return;
  }
  for (yaml_node_item_t *i = list->data.sequence.items.start;
       i < list->data.sequence.items.top; i++) {
    (void)snprintf(inner.path, sizeof inner.path, "%.24s.transitions[%d]",
                   r->path, (int)(i - list->data.sequence.items.start));
    read_transition(&inner, yaml_document_get_node(&r->yaml->document, *i));
  }
}

/* ---- machines --------------------------------------------------------------- */

static void read_attach(const reading *r, const yaml_node_t *node) {
  const char *text = text_of(r, node, "attach");
  if (text != NULL && !gws_scope_find(gw_view_of(text), &r->machine->scope))
    fail(r, node,
         "attach: '%.60s' must be connection, user, channel, group or free",
         text);
}

static void read_space(const reading *r, const yaml_node_t *node) {
  gw_machine *m = r->machine;
  const char *text = text_of(r, node, "namespace");
  if (text == NULL) return;
  if (strlen(text) >= sizeof m->space)
    fail(r, node, "namespace: '%.60s' is too long", text);
  else if (m->scope != GWS_SCOPE_CHANNEL)
    fail(r, node, "namespace: goes with attach: channel");
  else
    memcpy(m->space, text, strlen(text) + 1);
}

/** Whether each state can come about. */
static void check_reach(const reading *r, const yaml_node_t *node) {
  const gw_machine *m = r->machine;
  bool is_reached[GW_MACHINE_STATES_MAX] = {false};
  bool is_more = true;
  is_reached[m->initial] = true;
  while (is_more) {
    is_more = false;
    for (int i = 0; i < m->num_transitions; i++) {
      const gw_machine_transition *t = &m->transitions[i];
      bool is_from = t->from == GW_MACHINE_ANY || is_reached[t->from];
      if (!is_from || is_reached[t->to]) continue;
      is_reached[t->to] = is_more = true;
    }
  }
  for (int i = 0; i < m->num_states; i++) {
    if (!is_reached[i])
      fail(r, node, "states: nothing leads from '%s' to '%s'",
           m->states[m->initial], m->states[i]);
  }
}

/** Whether two can be at the same key of one scope. */
static bool meet(const gw_machine *a, const gw_machine *b) {
  return a->scope == b->scope && strcmp(a->name, b->name) == 0 &&
         (*a->space == '\0' || *b->space == '\0' ||
          strcmp(a->space, b->space) == 0);
}

static void read_machine(reading *r, const yaml_node_t *node, size_t number) {
  static const char *const names[] = {
      "name", "attach", "namespace", "states", "initial", "transitions", NULL};
  static const char *const needed[] = {"name", "attach", "states",
                                       "transitions"};
  const yaml_node_t *value[4], *initial, *space;
  gw_machine *m = r->machine;
  if (node->type != YAML_MAPPING_NODE) {
    fail(r, node, "must hold keys and values");
    return;
  }
  size_t before = r->load->num_errors;
  check_keys(r, node, names);
  for (size_t i = 0; i < 4; i++) {
    value[i] = value_of(r, node, needed[i]);
    if (value[i] == NULL) fail(r, node, "%s: is missing", needed[i]);
  }
  if (r->load->num_errors != before) return;
  (void)take_word(r, value[0], "name", m->name);
  read_attach(r, value[1]);
  if ((space = value_of(r, node, "namespace")) != NULL) read_space(r, space);
  read_states(r, value[2]);
  if (m->num_states == 0) fail(r, value[2], "states: there is none");
  if ((initial = value_of(r, node, "initial")) != NULL)
    m->initial = (uint8_t)state_at(r, initial, "initial");
  if (r->load->num_errors != before) return;
  read_transitions(r, value[3]);
  if (r->load->num_errors == before) check_reach(r, node);
  for (size_t i = 0; i < number; i++) {
    if (meet(m, &r->load->config->machines[i]))
      fail(r, node, "name: there is another '%s' for the same scopes", m->name);
  }
}

void gw__machines_read(gw__load *l, gw__yaml *y, yaml_node_t *list) {
  gw_config *c = l->config;
  reading r = {.load = l, .yaml = y, .path = "machines"};
  yaml_node_item_t *items = list->data.sequence.items.start;
  size_t num = (size_t)(list->data.sequence.items.top - items);
  free(c->machines);
  c->machines = NULL;
  c->settings.machines = NULL;
  c->settings.num_machines = 0;
  if (num > GW_MACHINES_MAX) {
    fail(&r, list, "more than %u", GW_MACHINES_MAX);
    return;
  }
  if (num == 0) return;
  c->machines = calloc(num, sizeof *c->machines);
  if (c->machines == NULL) {
    l->is_out_of_memory = true;
    return;
  }
  for (size_t i = 0; i < num; i++) {
    (void)snprintf(r.path, sizeof r.path, "machines[%zu]", i);
    r.machine = &c->machines[i];
    read_machine(&r, yaml_document_get_node(&y->document, items[i]), i);
  }
  c->settings.machines = c->machines;
  c->settings.num_machines = num;
}

void gw__machines_check(gw__load *l) {
  const gw_settings *s = &l->config->settings;
  for (size_t i = 0; i < s->num_machines; i++) {
    const char *space = s->machines[i].space;
    if (*space != '\0' && gw_settings_named(s, space) == NULL)
      gw__load_fail(l, "machines", "%s: there is no namespace '%s'",
                    s->machines[i].name, space);
  }
}
