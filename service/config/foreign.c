/*
 * What happens to a keyword of sshd_config(5) that this server does not have. A value that asks for what happens here
 * anyway is accepted, so that an existing file needs few edits; anything else is an error with advice, because silently
 * not doing what a security setting asks for would be worse than not starting.
 */
#include "config/foreign.h"

#include <strings.h>

#include "config/values.h"

struct foreign {
    const char *keyword;
    const char *accepted; /* "a|b": values that are true here anyway; NULL: none */
    const char *hint;
};

#define NO_FORWARDING "forwarding is not available in this version"
#define NO_PRINCIPALS_COMMAND "commands that name principals are not available in this version; use AuthorizedPrincipalsFile"
#define NO_COMMAND "commands that look keys up are not available in this version; use AuthorizedKeysFile"
#define NO_GSSAPI "Kerberos tickets are not accepted; let a PAM module check Kerberos passwords"
#define NO_HOSTBASED "host-based authentication is not available; use PubkeyAuthentication"
#define ALWAYS_SEPARATE "privileges are always separated; remove the line"
#define OBSOLETE "it belongs to SSH protocol 1 or to releases long gone; remove the line"

static const struct foreign rows[] = {
    {"AllowAgentForwarding", "no", NO_FORWARDING},
    {"AllowStreamLocalForwarding", "no", NO_FORWARDING},
    {"AllowTcpForwarding", "no", NO_FORWARDING},
    {"AuthorizedKeysCommand", "none", NO_COMMAND},
    {"AuthorizedKeysCommandUser", NULL, NO_COMMAND},
    {"AuthorizedKeysFile2", NULL, "name several files in AuthorizedKeysFile"},
    {"AuthorizedPrincipalsCommand", "none", NO_PRINCIPALS_COMMAND},
    {"AuthorizedPrincipalsCommandUser", NULL, NO_PRINCIPALS_COMMAND},
    {"ChallengeResponseAuthentication", NULL, "use KbdInteractiveAuthentication"},
    {"ChannelTimeout", "none",
     "channels do not time out in this version; use ClientAliveInterval for dead clients"},
    {"CheckMail", "no", "let PAM's pam_mail check for mail"},
    {"ChrootDirectory", "none", "root directories are not changed in this version"},
    {"DebianBanner", "no", "the version line names this server only; remove the line"},
    {"DisableForwarding", "yes", NO_FORWARDING},
    {"DSAAuthentication", NULL, "use PubkeyAuthentication; DSA keys are not accepted"},
    {"ExposeAuthInfo", "no", "the methods that were used are in the log, not in the environment"},
    {"FingerprintHash", "sha256", "fingerprints are always SHA256"},
    {"GatewayPorts", "no", NO_FORWARDING},
    {"GSSAPIAuthentication", "no", NO_GSSAPI},
    {"GSSAPICleanupCredentials", NULL, NO_GSSAPI},
    {"GSSAPIDelegateCredentials", "no", NO_GSSAPI},
    {"GSSAPIEnablek5users", "no", NO_GSSAPI},
    {"GSSAPIKexAlgorithms", NULL, NO_GSSAPI},
    {"GSSAPIKeyExchange", "no", NO_GSSAPI},
    {"GSSAPIStoreCredentialsOnRekey", "no", NO_GSSAPI},
    {"GSSAPIStrictAcceptorCheck", NULL, NO_GSSAPI},
    {"HostbasedAcceptedAlgorithms", NULL, NO_HOSTBASED},
    {"HostbasedAcceptedKeyTypes", NULL, NO_HOSTBASED},
    {"HostbasedAuthentication", "no", NO_HOSTBASED},
    {"HostbasedUsesNameFromPacketOnly", "no", NO_HOSTBASED},
    {"HostDSAKey", NULL, "use HostKey with the pkcs11: URI of a key in a token"},
    {"HostKeyAgent", "none", "use HostKey with the pkcs11: URI of a key in a token"},
    {"IgnoreRhosts", "yes", NO_HOSTBASED},
    {"IgnoreUserKnownHosts", "yes", NO_HOSTBASED},
    {"IPQoS", "none", "packets are not marked in this version; mark them in the firewall"},
    {"KeepAlive", NULL, "use TCPKeepAlive"},
    {"KerberosAuthentication", "no", NO_GSSAPI},
    {"KerberosGetAFSToken", "no", NO_GSSAPI},
    {"KerberosOrLocalPasswd", NULL, NO_GSSAPI},
    {"KerberosTgtPassing", "no", NO_GSSAPI},
    {"KerberosTicketCleanup", NULL, NO_GSSAPI},
    {"KeyRegenerationInterval", NULL, OBSOLETE},
    {"LogVerbose", "none", "use LogLevel"},
    {"ModuliFile", NULL, "groups do not come from a file: group exchange has those of RFC 3526, which are known to be safe primes"},
    {"PAMAuthenticationViaKbdInt", NULL, "use KbdInteractiveAuthentication"},
    {"PermitListen", "none", NO_FORWARDING},
    {"PermitOpen", "none", NO_FORWARDING},
    {"PermitTunnel", "no", NO_FORWARDING},
    {"PermitUserRC", "no", "~/.ssh/rc is not run; use the shell's own start-up files"},
    {"PerSourcePenalties", "no", "use PerSourceMaxStartups and MaxStartups"},
    {"PerSourcePenaltyExemptList", "none", "there are no penalties to be exempt from; remove the line"},
    {"PidFile", "none", "no such file is written; ask systemd, or the parent that started the server"},
    {"PrintLastLog", "no", "let PAM's pam_lastlog show it"},
    {"PrintMotd", "no", "let PAM's pam_motd show it"},
    {"Protocol", "2", "only protocol 2 exists here; remove the line"},
    {"PubkeyAcceptedKeyTypes", NULL, "use PubkeyAcceptedAlgorithms"},
    {"RDomain", "none", "routing domains are not available; bind the service with systemd"},
    {"RefuseConnection", "no", "refuse addresses in the firewall, users with DenyUsers"},
    {"ReverseMappingCheck", "no", "names are never looked up; remove the line"},
    {"RhostsAuthentication", "no", OBSOLETE},
    {"RhostsRSAAuthentication", "no", OBSOLETE},
    {"RSAAuthentication", NULL, "use PubkeyAuthentication"},
    {"SecurityKeyProvider", NULL, "no authenticator is used here, clients have theirs; remove the line"},
    {"ServerKeyBits", NULL, OBSOLETE},
    {"SkeyAuthentication", NULL, "use KbdInteractiveAuthentication"},
    {"SshdAuthPath", NULL, "the programs are found beside each other; remove the line"},
    {"SshdSessionPath", NULL, "the programs are found beside each other; remove the line"},
    {"StreamLocalBindMask", NULL, NO_FORWARDING},
    {"StreamLocalBindUnlink", "no", NO_FORWARDING},
    {"UnusedConnectionTimeout", "none|0", "use ClientAliveInterval for dead clients"},
    {"UseDNS", "no", "names are never looked up: write addresses"},
    {"UseLogin", "no", OBSOLETE},
    {"UsePAM", "yes",
     "PAM always decides about accounts and passwords; the rules are those of PAMServiceName"},
    {"UsePrivilegeSeparation", "yes|sandbox", ALWAYS_SEPARATE},
    {"VerifyReverseMapping", "no", "names are never looked up; remove the line"},
    {"VersionAddendum", "none", "the version line cannot be changed"},
    {"X11DisplayOffset", NULL, NO_FORWARDING},
    {"X11Forwarding", "no", NO_FORWARDING},
    {"X11UseLocalhost", "yes", NO_FORWARDING},
    {"XAuthLocation", NULL, NO_FORWARDING},
};

size_t foreign_count(void)
{
    return ARRAY_SIZE(rows);
}

const char *foreign_keyword(size_t index)
{
    return rows[index].keyword;
}

static const struct foreign *find(const char *keyword)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcasecmp(rows[i].keyword, keyword) == 0)
            return &rows[i];
    return NULL;
}

const char *foreign_hint(const char *keyword)
{
    const struct foreign *row = find(keyword);
    return row ? row->hint : NULL;
}

int foreign_check(const struct lexer_line *line, struct config_error *why)
{
    const struct foreign *row = find(line->keyword);
    struct sp_span choice;
    if (!row)
        return FOREIGN_E_UNKNOWN;
    if (!row->accepted)
        return config_complain(why, NULL, "%s is not available: %s", row->keyword, row->hint);
    if (line->count == 1 && value_is_in(row->accepted, line->arguments[0], &choice))
        return 0;
    return config_complain(why, NULL, "%s: expected \"%s\" (or no such line), got \"%s\": %s", row->keyword,
                           row->accepted, line->rest, row->hint);
}
