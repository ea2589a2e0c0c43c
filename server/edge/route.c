/* SPDX-License-Identifier: MIT */
/* route.c - the table of routes: checked when it is filled, sorted once. */
#include "server/edge/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/origin.h"

#define BETWEEN ", \t"

/** Paths of the server's own. */
#define OWN_PREFIX "/v1/"

static void route_free(gw_route *r) {
  if (r == NULL) return;
  gw_pattern_deinit(&r->pattern);
  free(r->channels);
  free(r->space);
  free(r->origins);
  free(r);
}

static char *copy(const char *text) {
  return strdup(text != NULL ? text : "");
}

/* ---- parts ----------------------------------------------------------------- */

/** Cut the list of templates into its words. */
static bool split_channels(gw_route *r, const char **why) {
  for (char *p = r->channels + strspn(r->channels, BETWEEN); *p != '\0';) {
    size_t len = strcspn(p, BETWEEN);
    bool is_end = p[len] == '\0';
    p[len] = '\0';
    *why = "names more than 16 channels";
    if (r->num_templates == GW_ROUTE_CHANNELS_MAX ||
        !gw_template_check(p, &r->pattern, why))
      return false;
    r->templates[r->num_templates++] = gw_view_of(p);
    p += len + !is_end;
    p += strspn(p, BETWEEN);
  }
  return true;
}

/** "godwit.v1, godwit.v1.json" */
static bool read_subprotocols(gw_route *r, const char *list) {
  static const struct {
    const char *name;
    uint8_t speaks;
  } known[] = {{"godwit.v1", GW_SPEAKS_BINARY},
               {"godwit.v1.json", GW_SPEAKS_JSON}};
  for (const char *p = list + strspn(list, BETWEEN); *p != '\0';) {
    gw_view word = {(const uint8_t *)p, strcspn(p, BETWEEN)};
    size_t i = 0;
    while (i < 2 && !gw_view_eq(gw_view_of(known[i].name), word))
      i++;
    if (i == 2) return false;
    r->speaks |= known[i].speaks;
    p += word.len;
    p += strspn(p, BETWEEN);
  }
  if (r->speaks == 0) r->speaks = GW_SPEAKS_BINARY | GW_SPEAKS_JSON;
  return true;
}

/** A name that is in a namespace at all: one without a colon or a blank. */
static bool is_space(const char *text) {
  return strpbrk(text, ": \t,") == NULL;
}

/** NULL, or what is wrong, to complete "routes: /path ...". */
static const char *fill(gw_route *r, const gw_route_options *o,
                        gw_view *bad_origin) {
  const char *why = NULL;
  const char *list = o->subprotocols != NULL ? o->subprotocols : "";
  if (!split_channels(r, &why)) return why;
  if (!is_space(r->space)) return "names a namespace with a colon or a blank";
  if (!gw_template_check(r->space, &r->pattern, &why)) return why;
  if (!read_subprotocols(r, list))
    return "may speak godwit.v1 and godwit.v1.json only";
  if (gw_origins_check(r->origins, bad_origin) < 0)
    return "lists an origin that is none";
  return NULL;
}

/* ---- the table --------------------------------------------------------------- */

static size_t place_of(const gw_routes *r, const gw_pattern *p,
                       bool *is_taken) {
  size_t i = 0;
  *is_taken = false;
  for (; i < r->num; i++) {
    int order = gw_pattern_compare(p, &r->items[i]->pattern);
    *is_taken = order == 0;
    if (order <= 0) break;
  }
  return i;
}

static int insert(gw_routes *r, gw_route *route, char *why) {
  bool is_taken;
  size_t at = place_of(r, &route->pattern, &is_taken);
  if (is_taken) {
    snprintf(why, GW_ROUTE_WHY_MAX, "%.100s: the same paths as %.100s",
             route->pattern.text, r->items[at]->pattern.text);
    return GW_ERR_EXISTS;
  }
  if (r->num == GW_ROUTES_MAX) {
    snprintf(why, GW_ROUTE_WHY_MAX, "%.100s: there are %u routes already",
             route->pattern.text, GW_ROUTES_MAX);
    return GW_ERR_FULL;
  }
  gw_route **items = realloc(r->items, (r->num + 1) * sizeof(gw_route *));
  if (items == NULL) return GW_ERR_NOMEM;
  r->items = items;
  memmove(items + at + 1, items + at, (r->num - at) * sizeof(gw_route *));
  items[at] = route;
  r->num++;
  return 0;
}

static int make(gw_route **route, const gw_route_options *o, char *why) {
  const char *what;
  gw_view bad = {NULL, 0};
  gw_route *r = *route = calloc(1, sizeof *r);
  if (r == NULL) return GW_ERR_NOMEM;
  r->channels = copy(o->channels);
  r->space = copy(o->space);
  r->origins = copy(o->origins);
  if (r->channels == NULL || r->space == NULL || r->origins == NULL)
    return GW_ERR_NOMEM;
  int err = gw_pattern_init(&r->pattern, o->path, &what);
  if (err == GW_ERR_NOMEM) return err;
  if (err == 0 && strncmp(o->path, OWN_PREFIX, strlen(OWN_PREFIX)) == 0 &&
      strcmp(o->path, GW_ROUTE_DEFAULT) != 0)
    what = "is below " OWN_PREFIX ", which is the server's own";
  else if (err == 0)
    what = fill(r, o, &bad);
  if (what == NULL) return 0;
  snprintf(why, GW_ROUTE_WHY_MAX, "%.100s %s%s%.*s", o->path, what,
           bad.len != 0 ? ": " : "", (int)(bad.len < 60 ? bad.len : 60),
           bad.data != NULL ? (const char *)bad.data : "");
  return GW_ERR_INVALID;
}

int gw_routes_add(gw_routes *r, const gw_route_options *o,
                  char why[GW_ROUTE_WHY_MAX]) {
  gw_route *route;
  snprintf(why, GW_ROUTE_WHY_MAX, "out of memory");
  int err = make(&route, o, why);
  if (err == 0) {
    route->needs_user = o->needs_user;
    route->keeps_request = o->keeps_request;
    route->handlers = o->handlers;
    err = insert(r, route, why);
  }
  if (err < 0) route_free(route);
  return err;
}

void gw_routes_deinit(gw_routes *r) {
  for (size_t i = 0; i < r->num; i++)
    route_free(r->items[i]);
  free(r->items);
  *r = (gw_routes){.num = 0};
}

const gw_route *gw_routes_find(const gw_routes *r, gw_view path,
                               gw_values *values) {
  for (size_t i = 0; i < r->num; i++) {
    if (gw_pattern_match(&r->items[i]->pattern, path, values))
      return r->items[i];
  }
  return NULL;
}

bool gw_routes_has(const gw_routes *r, const char *pattern) {
  for (size_t i = 0; i < r->num; i++) {
    if (strcmp(r->items[i]->pattern.text, pattern) == 0) return true;
  }
  return false;
}
