/*
 * Tokens: starting, losing and restarting their processes, and handing requests to them. Input: specs from plans, events
 * from the spawner and the processes. Output: spawn_token to the spawner, token_sign to the processes.
 */
#include "signer/token.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <sallyport/wire.h>

#include "signer/generation.h"
#include "signer/states.h"

/* How long a process that was lost stays away: twice as long each time, up to what it costs to ask in vain. A token that says
 * that it is not there is cheap to ask, one that dies or hangs is not; and who waits for it waits for this on top. */
#define BACKOFF_FIRST_MS 50u
#define BACKOFF_MOST_MS 5000u
#define BACKOFF_MISSING_MS 1000u
#define BACKOFF_MISSING_LOSSES 64u /* about a minute; then it is no more a moment's absence */
#define BACKOFF_WANTED_MS 1000u
#define BACKOFF_WANTED_MISSING_MS 250u

static void token_log(struct token *t, enum log_level level, const char *event, const char *what)
{
    const struct log_field fields[] = {{"token", sp_text(token_name(t))}};
    log_event(&t->signer->log, level, event, fields, ARRAY_SIZE(fields), "token %s: %s", token_name(t), what);
}

const char *token_name(const struct token *token)
{
    return token->spec.token[0] ? token->spec.token : token->spec.module;
}

/* ---- its condition ----------------------------------------------------------------------------------------------- */

/* One that is being looked for again is as it was until it is found, or is found to be something else. */
static enum token_condition condition_of(const struct token *t)
{
    if (t->state == TOKEN_READY)
        return TOKEN_IS_READY;
    if (t->state == TOKEN_STOPPED)
        return t->pin_refused ? TOKEN_IS_PIN_REFUSED : TOKEN_IS_WRONG;
    if (t->losses == 0)
        return t->condition == TOKEN_IS_ABSENT || t->condition == TOKEN_IS_LOST ? t->condition
                                                                                : TOKEN_IS_STARTING;
    return t->missing ? TOKEN_IS_ABSENT : TOKEN_IS_LOST;
}

void token_move(struct token *t, enum token_process state)
{
    t->state = state;
    enum token_condition condition = condition_of(t);
    if (condition == t->condition)
        return;
    t->condition = condition;
    t->since_ms = clock_ms();
    states_changed(t->signer);
}

bool token_is_away(const struct signer *s, const struct token_spec *spec)
{
    bool away = false;
    for (size_t i = 0; i < SPAWNER_SLOTS; i++) {
        const struct token *t = s->tokens[i];
        if (!t || !token_spec_same_token(&t->spec, spec))
            continue;
        if (t->state == TOKEN_READY)
            return false;
        away = away || t->condition == TOKEN_IS_ABSENT || t->condition == TOKEN_IS_LOST;
    }
    return away;
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

static int pack_texts(char *const *items, size_t count, struct sp_out *out)
{
    for (size_t i = 0; i < count; i++)
        sp_put_text(out, items[i]);
    return sp_put_end(out) ? -E2BIG : 0;
}

static int ask_spawn(struct token *t)
{
    uint8_t uri_bytes[32768], environment_bytes[16384];
    struct sp_out uris = {.data = uri_bytes, .capacity = sizeof uri_bytes};
    struct sp_out environment = {.data = environment_bytes, .capacity = sizeof environment_bytes};
    int r = pack_texts(t->spec.uris, t->spec.uri_count, &uris);
    if (r == 0)
        r = pack_texts(t->spec.environment, t->spec.environment_count, &environment);
    return r ? r
             : link_send(&t->signer->spawner, spawn_token, .slot = t->slot, .provider = t->spec.provider,
                         .module = sp_text(t->spec.module), .token = sp_text(t->spec.token),
                         .pin_source = sp_text(t->spec.pin_source), .uris = sp_written(&uris),
                         .environment = sp_written(&environment));
}

static struct token *token_find(struct signer *s, const struct token_spec *spec)
{
    for (size_t i = 0; i < SPAWNER_SLOTS; i++)
        if (s->tokens[i] && token_spec_equal(&s->tokens[i]->spec, spec))
            return s->tokens[i];
    return NULL;
}

/*
 * The processes on one token start one after the other: a wrong PIN is then sent once and not once per process, and SoftHSM,
 * which cannot be opened by two at the same moment, is not asked to.
 */
static bool replica_must_wait(const struct token *t)
{
    struct token_spec before = t->spec;
    if (t->spec.replica == 0)
        return false;
    before.replica--;
    const struct token *other = token_find(t->signer, &before);
    return other && other->state != TOKEN_READY;
}

static void token_start(struct token *t, uint64_t now_ms)
{
    if (replica_must_wait(t))
        return;
    token_move(t, TOKEN_STARTING);
    t->started_ms = now_ms;
    t->announced = 0;
    t->served = false;
    t->pid = 0;
    t->starts++;
    if (ask_spawn(t) != 0)
        token_stop(t, false, "the spawner does not take the order to start its process");
}

int token_spawned(struct token *t, uint32_t pid, int fd)
{
    if (t->state != TOKEN_STARTING || t->pid != 0) { /* of no use any more */
        close(fd);
        return 0;
    }
    link_init(&t->link, fd, ROLE_SIGNER, ROLE_TOKEN);
    t->writing = false;
    t->pid = pid;
    return loop_add(t->signer->loop, t->link.fd, EPOLLIN, on_token_io, t, &t->source);
}

/* More than the end of its link told. The link may have been seen to end before, or may be seen only later. */
void token_exited(struct token *t, uint32_t pid, int status)
{
    char what[128];
    if (WIFSIGNALED(status))
        snprintf(what, sizeof what, "its process %u was killed by signal %d", pid, WTERMSIG(status));
    else if (WEXITSTATUS(status) == SPAWN_STATUS_NOT_EXECUTED)
        snprintf(what, sizeof what, "its program could not be executed");
    else
        return;
    token_log(t, LOG_LEVEL_WARNING, "token_exited", what);
    if (strcmp(t->why, TOKEN_PROCESS_ENDED) == 0 || t->pid == pid)
        snprintf(t->why, sizeof t->why, "%s", what);
}

/* ---- losing ------------------------------------------------------------------------------------------------------ */

static void process_let_go(struct token *t)
{
    loop_remove(t->source);
    t->source = NULL;
    link_close(&t->link);
    t->pid = 0;
}

/* Those in flight come first again, in their order; what nobody waits for, or what has cost too many processes, ends. */
static void requests_take_back(struct token *t)
{
    while (t->in_flight.last) {
        struct request *request = t->in_flight.last;
        request_remove(&t->in_flight, request);
        if (request->orphaned) {
            free(request);
        } else if (++request->losses >= REQUEST_LOSSES_MAX) {
            t->failures++;
            request_failed(t->signer, request, "several token processes in a row ended while signing");
        } else {
            fair_put_back(&t->waiting, request);
        }
    }
}

/* Requests go to another token that has the same key, if one is ready; the others stay. */
static void requests_move(struct token *t)
{
    for (struct request *request = t->waiting.oldest, *next; request; request = next) {
        next = request->younger;
        struct token *other = generation_place(request);
        bool moves = other && other != t;
        if (!moves && t->state != TOKEN_STOPPED)
            continue;
        fair_remove(&t->waiting, request);
        if (moves)
            token_submit(other, request);
        else
            request_unavailable(t->signer, request, t);
    }
}

static uint64_t backoff_most_ms(const struct token *t)
{
    if (t->waiting.count != 0)
        return t->missing ? BACKOFF_WANTED_MISSING_MS : BACKOFF_WANTED_MS;
    return t->missing && t->losses < BACKOFF_MISSING_LOSSES ? BACKOFF_MISSING_MS : BACKOFF_MOST_MS;
}

static uint64_t backoff_ms(const struct token *t)
{
    unsigned doublings = t->losses < 8 ? t->losses - 1 : 7;
    uint64_t ms = (uint64_t)BACKOFF_FIRST_MS << doublings, most_ms = backoff_most_ms(t);
    return ms < most_ms ? ms : most_ms;
}

void token_hasten(struct token *t)
{
    uint64_t latest_ms = clock_ms() + backoff_most_ms(t);
    if (t->state == TOKEN_WAITING && t->retry_ms > latest_ms)
        t->retry_ms = latest_ms;
}

static void token_down(struct token *t, enum token_process state, const char *why)
{
    if (why != t->why)
        snprintf(t->why, sizeof t->why, "%s", why);
    process_let_go(t);
    token_move(t, state);
    requests_take_back(t);
    requests_move(t);
}

static void token_fall(struct token *t, bool missing, const char *why)
{
    t->losses = t->served ? 1 : t->losses + 1;
    t->missing = missing;
    /* A token that stays away is said to be once, not at every try. */
    token_log(t, t->losses <= 3 ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "token_lost", why);
    token_down(t, TOKEN_WAITING, why);
    t->retry_ms = clock_ms() + backoff_ms(t);
}

void token_lose(struct token *t, const char *why)
{
    token_fall(t, false, why);
}

void token_miss(struct token *t, const char *why)
{
    token_fall(t, true, why);
}

void token_stop(struct token *t, bool pin_refused, const char *why)
{
    t->pin_refused = pin_refused;
    token_log(t, LOG_LEVEL_ERROR, "token_unusable", why);
    token_down(t, TOKEN_STOPPED, why);
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static bool process_is_stuck(const struct token *t, uint64_t now_ms)
{
    if (t->state == TOKEN_STARTING)
        return now_ms >= t->started_ms + t->timeout_ms;
    return t->state == TOKEN_READY && t->in_flight.first &&
           now_ms >= t->in_flight.first->sent_us / 1000 + t->timeout_ms;
}

static void process_kill(struct token *t)
{
    int r = link_send(&t->signer->spawner, kill_token, .slot = t->slot);
    token_lose(t,
               t->state == TOKEN_STARTING ? "it did not become ready in time" : "it did not answer in time");
    if (r)
        token_stop(t, false, "the spawner does not take the order to kill its process");
}

void token_tick(struct token *t, uint64_t now_ms)
{
    token_expire(t, now_ms);
    if (process_is_stuck(t, now_ms))
        process_kill(t);
    if (t->state == TOKEN_WAITING && now_ms >= t->retry_ms)
        token_start(t, now_ms);
}

uint64_t token_due_ms(const struct token *t, uint64_t now_ms)
{
    if (t->state == TOKEN_STARTING || t->waiting.oldest || t->in_flight.first)
        return now_ms;
    /* A process that waits for another one of its token is looked at when that is ready. */
    return t->state == TOKEN_WAITING && !replica_must_wait(t) ? t->retry_ms : UINT64_MAX;
}

/* ---- having ------------------------------------------------------------------------------------------------------ */

static char *copy_text(const char *text, bool *failed)
{
    char *copy = strdup(text);
    *failed = *failed || !copy;
    return copy;
}

static char **copy_list(char *const *items, size_t count, bool *failed)
{
    char **copy = calloc(count + 1, sizeof *copy);
    *failed = *failed || !copy;
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = copy_text(items[i], failed);
    return copy;
}

static int spec_copy(const struct token_spec *from, struct token_spec *to)
{
    bool failed = false;
    *to = (struct token_spec){.provider = from->provider, .replica = from->replica};
    to->module = copy_text(from->module, &failed);
    to->pin_source = copy_text(from->pin_source, &failed);
    to->token = copy_text(from->token, &failed);
    to->uris = copy_list(from->uris, from->uri_count, &failed);
    to->environment = copy_list(from->environment, from->environment_count, &failed);
    to->uri_count = to->uris ? from->uri_count : 0;
    to->environment_count = to->environment ? from->environment_count : 0;
    if (failed)
        token_spec_free(to);
    return failed ? -ENOMEM : 0;
}

static int token_new(struct signer *s, uint32_t slot, const struct token_spec *spec, struct token **token)
{
    struct token *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    *made = (struct token){
        .signer = s, .slot = slot, .state = TOKEN_WAITING, .since_ms = clock_ms(), .link.fd = -1};
    made->blobs = calloc(spec->uri_count, sizeof *made->blobs);
    int r = made->blobs ? spec_copy(spec, &made->spec) : -ENOMEM;
    if (r) {
        free(made->blobs);
        free(made);
        return r;
    }
    s->tokens[slot] = made;
    states_changed(s);
    *token = made;
    return 0;
}

int token_acquire(struct signer *s, const struct token_spec *spec, uint64_t timeout_ms, size_t queue_max,
                  struct token **token)
{
    struct token *found = token_find(s, spec);
    for (uint32_t slot = 0; !found && slot < SPAWNER_SLOTS; slot++) {
        int r = s->tokens[slot] ? 0 : token_new(s, slot, spec, &found);
        if (r)
            return r;
    }
    if (!found)
        return -EAGAIN;
    found->users++;
    found->timeout_ms = timeout_ms;
    found->queue_max = queue_max;
    /* A configuration is a reason to try again at once, and to believe the administrator about the PIN. */
    if (found->state == TOKEN_STOPPED || found->state == TOKEN_WAITING) {
        found->losses = 0;
        found->retry_ms = 0;
        token_move(found, TOKEN_WAITING);
        token_tick(found, clock_ms());
    }
    *token = found;
    return 0;
}

void token_release(struct token *t)
{
    t->users--;
}

void token_free(struct token *t)
{
    process_let_go(t);
    requests_take_back(t);
    while (t->waiting.oldest) {
        struct request *request = t->waiting.oldest;
        fair_remove(&t->waiting, request);
        request_failed(t->signer, request, "its token is not configured any more");
    }
    states_changed(t->signer);
    t->signer->tokens[t->slot] = NULL;
    for (size_t i = 0; i < t->spec.uri_count; i++)
        free(t->blobs[i].data);
    free(t->blobs);
    token_spec_free(&t->spec);
    free(t);
}

void tokens_sweep(struct signer *s)
{
    for (size_t i = 0; i < SPAWNER_SLOTS; i++)
        if (s->tokens[i] && s->tokens[i]->users == 0)
            token_free(s->tokens[i]);
}
