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

#include "signer/algorithm.h"
#include "signer/generation.h"

#define BACKOFF_FIRST_MS 50u
#define BACKOFF_MOST_MS 5000u
#define BUSY_LOG_MS 10000u /* between two lines that say that a token is busy */
#define TOKEN_SLOW "the token is too slow: it waited for TokenTimeout"

static void token_log(struct token *t, enum log_level level, const char *event, const char *what)
{
    const struct log_field fields[] = {{"token", sp_text(token_name(t))}};
    log_event(&t->signer->log, level, event, fields, ARRAY_SIZE(fields), "token %s: %s", token_name(t), what);
}

const char *token_name(const struct token *token)
{
    return token->spec.token[0] ? token->spec.token : token->spec.module;
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
    t->state = TOKEN_STARTING;
    t->started_ms = now_ms;
    t->announced = 0;
    t->served = false;
    t->pid = 0;
    if (ask_spawn(t) != 0)
        token_stop(t, "the spawner does not take the order to start its process");
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
        if (request->orphaned)
            free(request);
        else if (++request->losses >= REQUEST_LOSSES_MAX)
            request_failed(t->signer, request, "several token processes in a row ended while signing");
        else
            fair_put_back(&t->waiting, request);
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
            request_failed(t->signer, request, t->why);
    }
}

static uint64_t backoff_ms(unsigned losses)
{
    unsigned doublings = losses < 8 ? losses - 1 : 7;
    uint64_t ms = (uint64_t)BACKOFF_FIRST_MS << doublings;
    return ms < BACKOFF_MOST_MS ? ms : BACKOFF_MOST_MS;
}

static void token_down(struct token *t, enum token_state state, const char *why)
{
    if (why != t->why)
        snprintf(t->why, sizeof t->why, "%s", why);
    process_let_go(t);
    t->state = state;
    requests_take_back(t);
    requests_move(t);
}

void token_lose(struct token *t, const char *why)
{
    t->losses = t->served ? 1 : t->losses + 1;
    t->retry_ms = clock_ms() + backoff_ms(t->losses);
    /* A token that stays away is said to be once, not at every try. */
    token_log(t, t->losses <= 3 ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "token_lost", why);
    token_down(t, TOKEN_WAITING, why);
}

void token_stop(struct token *t, const char *why)
{
    token_log(t, LOG_LEVEL_ERROR, "token_unusable", why);
    token_down(t, TOKEN_STOPPED, why);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static int ask_sign(struct token *t, struct request *request)
{
    uint8_t bytes[PROVE_MESSAGE_MAX];
    struct sp_out input = {.data = bytes, .capacity = sizeof bytes};
    int r = algorithm_input(request->keytype, sp_span_of(request->message, request->message_size), &input);
    return r ? r
             : link_send(&t->link, token_sign, .ticket = request->ticket,
                         .key = (uint32_t)generation_key_index(request),
                         .mechanism = algorithm_mechanism(request->keytype), .data = sp_written(&input));
}

void token_pump(struct token *t)
{
    while (t->state == TOKEN_READY && t->in_flight.count < TOKEN_WINDOW && t->waiting.oldest) {
        struct request *request = fair_take(&t->waiting);
        request->sent_us = clock_us();
        int r = ask_sign(t, request);
        if (r < 0) {
            request_failed(t->signer, request, "it cannot be put to the token process");
        } else {
            /* A link that is closed by now is seen by its own handler, which takes the request back. */
            request_append(&t->in_flight, request);
        }
    }
}

/* Each of those without a place is told so by itself; that there are such is said now and then. */
static void busy_log(struct token *t, uint64_t now_ms)
{
    t->busy_unsaid++;
    if (t->busy_said_ms != 0 && now_ms < t->busy_said_ms + BUSY_LOG_MS)
        return;
    char count[24], what[128];
    snprintf(count, sizeof count, "%zu", t->busy_unsaid);
    snprintf(what, sizeof what, "busy: %zu exchanges refused, %zu of at most %zu wait", t->busy_unsaid,
             t->waiting.count + t->in_flight.count, t->queue_max);
    const struct log_field fields[] = {{"token", sp_text(token_name(t))}, {"refused", sp_text(count)}};
    log_event(&t->signer->log, LOG_LEVEL_WARNING, "token_busy", fields, ARRAY_SIZE(fields), "token %s is %s",
              token_name(t), what);
    t->busy_said_ms = now_ms;
    t->busy_unsaid = 0;
}

void token_submit(struct token *t, struct request *request)
{
    struct request *loser;
    size_t room = t->queue_max > t->in_flight.count ? t->queue_max - t->in_flight.count : 0;
    request->token = t;
    if (fair_put(&t->waiting, request, room, &loser) != 0) {
        request_failed(t->signer, request, "out of memory");
        return;
    }
    if (loser) {
        busy_log(t, clock_ms());
        request_busy(t->signer, loser);
    }
    token_pump(t);
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static void requests_expire(struct token *t, uint64_t now_ms)
{
    for (struct request *request = t->waiting.oldest, *next; request; request = next) {
        next = request->younger;
        if (request->deadline_ms > now_ms)
            continue;
        fair_remove(&t->waiting, request);
        if (t->state != TOKEN_READY || request->kind != REQUEST_SIGN) {
            request_failed(t->signer, request, t->state == TOKEN_READY ? TOKEN_SLOW : t->why);
            continue;
        }
        busy_log(t, now_ms);
        request_refuse(t->signer, request, REASON_SERVICE_NOT_AVAILABLE, TOKEN_BUSY_TEXT, TOKEN_SLOW);
    }
}

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
        token_stop(t, "the spawner does not take the order to kill its process");
}

void token_tick(struct token *t, uint64_t now_ms)
{
    requests_expire(t, now_ms);
    if (process_is_stuck(t, now_ms))
        process_kill(t);
    if (t->state == TOKEN_WAITING && now_ms >= t->retry_ms)
        token_start(t, now_ms);
}

bool token_is_busy(const struct token *t)
{
    return t->state == TOKEN_WAITING || t->state == TOKEN_STARTING || t->waiting.oldest || t->in_flight.first;
}

bool token_is_idle(const struct token *t)
{
    return t->state == TOKEN_READY && t->waiting.count == 0 && t->in_flight.count < TOKEN_WINDOW;
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
    *made = (struct token){.signer = s, .slot = slot, .state = TOKEN_WAITING, .link.fd = -1};
    made->blobs = calloc(spec->uri_count, sizeof *made->blobs);
    int r = made->blobs ? spec_copy(spec, &made->spec) : -ENOMEM;
    if (r) {
        free(made->blobs);
        free(made);
        return r;
    }
    s->tokens[slot] = made;
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
        found->state = TOKEN_WAITING;
        found->missing = false;
        found->losses = 0;
        found->retry_ms = 0;
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
