# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_eventyard_global_optspecs
    string join \n h/help V/version
end

function __fish_eventyard_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_eventyard_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_eventyard_using_subcommand
    set -l cmd (__fish_eventyard_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c eventyard -n "__fish_eventyard_needs_command" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_needs_command" -s V -l version -d 'Print version'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "serve" -d 'Run the daemon until SIGTERM or SIGINT'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "config" -d 'Look at the configuration without running anything'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "pattern" -d 'Try event patterns on events, and measure them, without a daemon'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "rules" -d 'List rules, pause and resume them, put them from a file into a daemon, or write those of a daemon into a file'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "targets" -d 'List the targets of rules'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "store" -d 'Dump or restore the store of a daemon that is not running'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "backup" -d 'Copy everything a daemon keeps to one file, while it runs'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "restore" -d 'Make a data directory from a backup'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "export" -d 'Print everything a daemon keeps as JSON Lines'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "fsck" -d 'Look at every entry of a data directory whose daemon does not run, and put aside what is damaged'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "dead-letters" -d 'List, send again or delete what was given up by a running daemon'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "events" -d 'Put events into a running daemon, and tell what happened to them'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "schedule" -d 'Say when a schedule expression fires'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "input" -d 'Show what a target is sent'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "completions" -d 'Print what makes a shell complete the arguments of this program'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "demo" -d 'Show the main job on temporary data: a rule, a target, events, deliveries'
complete -c eventyard -n "__fish_eventyard_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand serve" -l config -d 'A TOML file with the options that differ from the defaults' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand serve" -l data-dir -d 'Folder that holds everything the daemon keeps (`storage.data_dir`)' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand serve" -l listen -d 'Address and port of the API (`api.listen`)' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand serve" -l admin-listen -d 'Address and port for metrics, health and dead letters (`admin.listen`)' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand serve" -l ephemeral -d 'Keep everything in a temporary folder that is gone at exit, whatever `storage.data_dir` says, and let POST /reset on the admin listener empty it. For tests'
complete -c eventyard -n "__fish_eventyard_using_subcommand serve" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and not __fish_seen_subcommand_from check show help" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and not __fish_seen_subcommand_from check show help" -f -a "check" -d 'List everything that is wrong, in all layers'
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and not __fish_seen_subcommand_from check show help" -f -a "show" -d 'Print the configuration in force, and where each value comes from'
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and not __fish_seen_subcommand_from check show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'A TOML file with the options that differ from the defaults' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from check" -l data-dir -d 'Folder that holds everything the daemon keeps (`storage.data_dir`)' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from check" -l listen -d 'Address and port of the API (`api.listen`)' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from check" -l admin-listen -d 'Address and port for metrics, health and dead letters (`admin.listen`)' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from check" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'A TOML file with the options that differ from the defaults' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from show" -l data-dir -d 'Folder that holds everything the daemon keeps (`storage.data_dir`)' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from show" -l listen -d 'Address and port of the API (`api.listen`)' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from show" -l admin-listen -d 'Address and port for metrics, health and dead letters (`admin.listen`)' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from show" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'List everything that is wrong, in all layers'
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print the configuration in force, and where each value comes from'
complete -c eventyard -n "__fish_eventyard_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and not __fish_seen_subcommand_from test bench help" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and not __fish_seen_subcommand_from test bench help" -f -a "test" -d 'Say whether an event matches a pattern, and why. Exit codes: 0 match, 1 no match, 2 invalid'
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and not __fish_seen_subcommand_from test bench help" -f -a "bench" -d 'Measure how fast many rules are matched. Prints one line of JSON'
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and not __fish_seen_subcommand_from test bench help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from test" -l pattern -d 'The event pattern; `-` for standard input' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from test" -l event -d 'The whole event, envelope and all; `-` for standard input' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from bench" -l rules -d 'JSON Lines: {"id": …, "pattern": {…}}, a pattern, or a pattern as a string' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from bench" -l events -d 'JSON Lines: an event each' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from bench" -l seconds -d 'How long to match events, all five passes together' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from bench" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from help" -f -a "test" -d 'Say whether an event matches a pattern, and why. Exit codes: 0 match, 1 no match, 2 invalid'
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from help" -f -a "bench" -d 'Measure how fast many rules are matched. Prints one line of JSON'
complete -c eventyard -n "__fish_eventyard_using_subcommand pattern; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and not __fish_seen_subcommand_from list show import export pause resume help" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and not __fish_seen_subcommand_from list show import export pause resume help" -f -a "list" -d 'List rules'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and not __fish_seen_subcommand_from list show import export pause resume help" -f -a "show" -d 'Show one rule with its targets and tags'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and not __fish_seen_subcommand_from list show import export pause resume help" -f -a "import" -d 'Put the rules of a file, with their targets and tags, into a daemon'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and not __fish_seen_subcommand_from list show import export pause resume help" -f -a "export" -d 'Write all rules of an account in a region, with their targets and tags, as JSON'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and not __fish_seen_subcommand_from list show import export pause resume help" -f -a "pause" -d 'Leave the targets of a rule alone. What they are owed waits until they are resumed'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and not __fish_seen_subcommand_from list show import export pause resume help" -f -a "resume" -d 'Send to the targets of a rule again'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and not __fish_seen_subcommand_from list show import export pause resume help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from list" -l event-bus -d 'Only the rules of this event bus: its name or its ARN' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from list" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from list" -l endpoint -d 'URL of the daemon\'s API listener (`api.listen`). The access key is taken from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` if there is one; a daemon without accounts takes any' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from list" -l region -d 'The region' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from list" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from show" -l event-bus -d 'Its event bus: the name or the ARN' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from show" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from show" -l endpoint -d 'URL of the daemon\'s API listener (`api.listen`). The access key is taken from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` if there is one; a daemon without accounts takes any' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from show" -l region -d 'The region' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from show" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -l targets-dir -d 'For what `aws events list-rules` printed: a folder with what `aws events list-targets-by-rule` printed for each rule, in files named `RULE.json`. A rule without a file gets no targets' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -l value -d 'For a template: the value of a parameter (`Stage=live`) or of an attribute that only `CloudFormation` knows (`Queue.Arn=arn:aws:sqs:…`). Can be given many times' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -l account -d 'For a template: the account that stands for `AWS::AccountId`' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -l endpoint -d 'URL of the daemon\'s API listener (`api.listen`). The access key is taken from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` if there is one; a daemon without accounts takes any' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -l region -d 'The region' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -l create-event-buses -d 'Make the event buses that rules name and that are not there'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -l dry-run -d 'Read and check the file, say what would be put, and put nothing'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from export" -l event-bus -d 'Only the rules of this event bus' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from export" -l endpoint -d 'URL of the daemon\'s API listener (`api.listen`). The access key is taken from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` if there is one; a daemon without accounts takes any' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from export" -l region -d 'The region' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from export" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from export" -l event-buses -d 'Write the event buses themselves, too: descriptions, tags and policies. `rules import` makes them again; a folder of managed rules cannot hold them'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from pause" -l target -d 'The one target of this id; without it, all targets of the rule' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from pause" -l event-bus -d 'The event bus of a rule that is given by name: its name or its ARN. The default bus without it' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from pause" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from pause" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from pause" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from pause" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from resume" -l target -d 'The one target of this id; without it, all targets of the rule' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from resume" -l event-bus -d 'The event bus of a rule that is given by name: its name or its ARN. The default bus without it' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from resume" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from resume" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from resume" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from resume" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "list" -d 'List rules'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one rule with its targets and tags'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "import" -d 'Put the rules of a file, with their targets and tags, into a daemon'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write all rules of an account in a region, with their targets and tags, as JSON'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "pause" -d 'Leave the targets of a rule alone. What they are owed waits until they are resumed'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "resume" -d 'Send to the targets of a rule again'
complete -c eventyard -n "__fish_eventyard_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and not __fish_seen_subcommand_from list help" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and not __fish_seen_subcommand_from list help" -f -a "list" -d 'List the targets of one rule, or of all'
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and not __fish_seen_subcommand_from list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and __fish_seen_subcommand_from list" -l rule -d 'Only of this rule' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and __fish_seen_subcommand_from list" -l event-bus -d 'Only of rules of this event bus: its name or its ARN. A rule that is given by name is on the default bus without it' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and __fish_seen_subcommand_from list" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and __fish_seen_subcommand_from list" -l endpoint -d 'URL of the daemon\'s API listener (`api.listen`). The access key is taken from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` if there is one; a daemon without accounts takes any' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and __fish_seen_subcommand_from list" -l region -d 'The region' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and __fish_seen_subcommand_from list" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the targets of one rule, or of all'
complete -c eventyard -n "__fish_eventyard_using_subcommand targets; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and not __fish_seen_subcommand_from dump restore help" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and not __fish_seen_subcommand_from dump restore help" -f -a "dump" -d 'Write rules, targets and event buses to a file of JSON Lines with a checksum. Events and dead letters are not in it'
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and not __fish_seen_subcommand_from dump restore help" -f -a "restore" -d 'Make a new store from a dump'
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and not __fish_seen_subcommand_from dump restore help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and __fish_seen_subcommand_from dump" -l data-dir -d 'The data directory' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and __fish_seen_subcommand_from dump" -l file -d 'The dump. It is never overwritten' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and __fish_seen_subcommand_from dump" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and __fish_seen_subcommand_from restore" -l data-dir -d 'The data directory' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and __fish_seen_subcommand_from restore" -l file -d 'The dump. It is never overwritten' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "dump" -d 'Write rules, targets and event buses to a file of JSON Lines with a checksum. Events and dead letters are not in it'
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "restore" -d 'Make a new store from a dump'
complete -c eventyard -n "__fish_eventyard_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand backup" -l to -d 'The file to make. It is never overwritten, and has this name only when it is whole and on disk' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand backup" -l data-dir -d 'Of a daemon that is not running, its data directory. Without it a running daemon is asked' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand backup" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand backup" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand backup" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand backup" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand restore" -l data-dir -d 'The data directory to make. It must not exist, or be empty' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand restore" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand export" -l data-dir -d 'Of a daemon that is not running, its data directory. Without this and --backup a running daemon is asked' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand export" -l backup -d 'A file of `eventyard backup`' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand export" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand export" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand export" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand export" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand fsck" -l data-dir -d 'The data directory of a daemon that is not running' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand fsck" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand fsck" -l repair -d 'Put what is damaged aside in quarantine.jsonl in the data directory, so that the daemon can run without it'
complete -c eventyard -n "__fish_eventyard_using_subcommand fsck" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and not __fish_seen_subcommand_from list show redrive purge help" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and not __fish_seen_subcommand_from list show redrive purge help" -f -a "list" -d 'List dead letters, oldest first; `--output json` has all of each'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and not __fish_seen_subcommand_from list show redrive purge help" -f -a "show" -d 'Show one dead letter with its event, as JSON'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and not __fish_seen_subcommand_from list show redrive purge help" -f -a "redrive" -d 'Send events to their original targets again, as if they were accepted now, and take them out of the dead letters. The daemon does it, and is waited for; Ctrl-C ends it'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and not __fish_seen_subcommand_from list show redrive purge help" -f -a "purge" -d 'Delete dead letters for good'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and not __fish_seen_subcommand_from list show redrive purge help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l rule -d 'Of this rule: its name or its ARN' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l target -d 'For the target of this id' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l code -d 'For this reason, the `ERROR_CODE` of a dead letter such as `TIMED_OUT`' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l since -d 'Given up at this time or later, such as 2026-01-02T03:04:05Z' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l until -d 'Given up before this time' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l limit -d 'Most to list; 0 lists all' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from show" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from show" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from show" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l rule -d 'Of this rule: its name or its ARN' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l target -d 'For the target of this id' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l code -d 'For this reason, the `ERROR_CODE` of a dead letter such as `TIMED_OUT`' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l since -d 'Given up at this time or later, such as 2026-01-02T03:04:05Z' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l until -d 'Given up before this time' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l rate -d 'How many a second, at most; 0 means as fast as can be' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l all -d 'All of them'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -l dry-run -d 'Only count them'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from redrive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l rule -d 'Of this rule: its name or its ARN' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l target -d 'For the target of this id' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l code -d 'For this reason, the `ERROR_CODE` of a dead letter such as `TIMED_OUT`' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l since -d 'Given up at this time or later, such as 2026-01-02T03:04:05Z' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l until -d 'Given up before this time' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l all -d 'All of them'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l dry-run -d 'Only count them'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from help" -f -a "list" -d 'List dead letters, oldest first; `--output json` has all of each'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one dead letter with its event, as JSON'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from help" -f -a "redrive" -d 'Send events to their original targets again, as if they were accepted now, and take them out of the dead letters. The daemon does it, and is waited for; Ctrl-C ends it'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from help" -f -a "purge" -d 'Delete dead letters for good'
complete -c eventyard -n "__fish_eventyard_using_subcommand dead-letters; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and not __fish_seen_subcommand_from put show unmatched help" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and not __fish_seen_subcommand_from put show unmatched help" -f -a "put" -d 'Put the events of a file, and print their ids'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and not __fish_seen_subcommand_from put show unmatched help" -f -a "show" -d 'Tell what happened to an event: when it was received, which rules took it, each attempt, and where each delivery stands'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and not __fish_seen_subcommand_from put show unmatched help" -f -a "unmatched" -d 'Tell of the latest events that no rule took, and why each rule of their event bus did not'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and not __fish_seen_subcommand_from put show unmatched help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from put" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from put" -l endpoint -d 'URL of the daemon\'s API listener (`api.listen`). The access key is taken from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` if there is one; a daemon without accounts takes any' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from put" -l region -d 'The region' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from put" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from show" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from show" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from show" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from show" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from unmatched" -l event-bus -d 'Only of this event bus: its name or its ARN' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from unmatched" -l limit -d 'Most to tell of, 1 to 100' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from unmatched" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from unmatched" -l admin -d 'Address and port of the daemon\'s admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from unmatched" -l token-file -d 'File with a token of the daemon\'s `admin.token_hashes`, if it asks for one' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from unmatched" -l ca-file -d 'PEM file with the certificate authority of the daemon\'s certificate, beside those that this machine trusts' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from unmatched" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from help" -f -a "put" -d 'Put the events of a file, and print their ids'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from help" -f -a "show" -d 'Tell what happened to an event: when it was received, which rules took it, each attempt, and where each delivery stands'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from help" -f -a "unmatched" -d 'Tell of the latest events that no rule took, and why each rule of their event bus did not'
complete -c eventyard -n "__fish_eventyard_using_subcommand events; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and not __fish_seen_subcommand_from next explain help" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and not __fish_seen_subcommand_from next explain help" -f -a "next" -d 'Print when it fires next, one RFC 3339 time in UTC a line'
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and not __fish_seen_subcommand_from next explain help" -f -a "explain" -d 'Say it in words'
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and not __fish_seen_subcommand_from next explain help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from next" -l timezone -d 'The time zone whose wall clock counts, such as Europe/Berlin. With it the expression is read as EventBridge Scheduler reads it, without it as PutRule does, in UTC' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from next" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from next" -l after -d 'Print times after this one. Default: now' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from next" -l count -d 'How many times to print' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from next" -l created -d 'When the rule was created: a rate is counted from here. Default: the time given with --after' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from next" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from explain" -l timezone -d 'The time zone whose wall clock counts, such as Europe/Berlin. With it the expression is read as EventBridge Scheduler reads it, without it as PutRule does, in UTC' -r
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from explain" -l output -d 'How to print' -r -f -a "table\t'For people: columns, or lines of text'
json\t'For programs: of a list one object a line, of one thing the whole of it'"
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "next" -d 'Print when it fires next, one RFC 3339 time in UTC a line'
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "explain" -d 'Say it in words'
complete -c eventyard -n "__fish_eventyard_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand input; and not __fish_seen_subcommand_from render help" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand input; and not __fish_seen_subcommand_from render help" -f -a "render" -d 'Print exactly what a target would be sent for an event, without a line break behind it'
complete -c eventyard -n "__fish_eventyard_using_subcommand input; and not __fish_seen_subcommand_from render help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand input; and __fish_seen_subcommand_from render" -l target -d 'A target as PutTargets takes it. Id and Arn may be left out' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand input; and __fish_seen_subcommand_from render" -l event -d 'The event as targets receive it: source, detail-type, detail and so on' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand input; and __fish_seen_subcommand_from render" -l context -d 'What predefined variables stand for: an object of `rule_name`, `event_bus_name`, `rule_arn`, `ingestion_time` and `target_id`, all of which may be left out' -r -F
complete -c eventyard -n "__fish_eventyard_using_subcommand input; and __fish_seen_subcommand_from render" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c eventyard -n "__fish_eventyard_using_subcommand input; and __fish_seen_subcommand_from help" -f -a "render" -d 'Print exactly what a target would be sent for an event, without a line break behind it'
complete -c eventyard -n "__fish_eventyard_using_subcommand input; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand completions" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand demo" -l keep -d 'Stay up afterwards, to try things by hand, until SIGTERM or SIGINT'
complete -c eventyard -n "__fish_eventyard_using_subcommand demo" -s h -l help -d 'Print help'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "serve" -d 'Run the daemon until SIGTERM or SIGINT'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "config" -d 'Look at the configuration without running anything'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "pattern" -d 'Try event patterns on events, and measure them, without a daemon'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "rules" -d 'List rules, pause and resume them, put them from a file into a daemon, or write those of a daemon into a file'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "targets" -d 'List the targets of rules'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "store" -d 'Dump or restore the store of a daemon that is not running'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "backup" -d 'Copy everything a daemon keeps to one file, while it runs'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "restore" -d 'Make a data directory from a backup'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "export" -d 'Print everything a daemon keeps as JSON Lines'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "fsck" -d 'Look at every entry of a data directory whose daemon does not run, and put aside what is damaged'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "dead-letters" -d 'List, send again or delete what was given up by a running daemon'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "events" -d 'Put events into a running daemon, and tell what happened to them'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "schedule" -d 'Say when a schedule expression fires'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "input" -d 'Show what a target is sent'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "completions" -d 'Print what makes a shell complete the arguments of this program'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "demo" -d 'Show the main job on temporary data: a rule, a target, events, deliveries'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and not __fish_seen_subcommand_from serve config pattern rules targets store backup restore export fsck dead-letters events schedule input completions demo help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'List everything that is wrong, in all layers'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print the configuration in force, and where each value comes from'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from pattern" -f -a "test" -d 'Say whether an event matches a pattern, and why. Exit codes: 0 match, 1 no match, 2 invalid'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from pattern" -f -a "bench" -d 'Measure how fast many rules are matched. Prints one line of JSON'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "list" -d 'List rules'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "show" -d 'Show one rule with its targets and tags'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "import" -d 'Put the rules of a file, with their targets and tags, into a daemon'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "export" -d 'Write all rules of an account in a region, with their targets and tags, as JSON'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "pause" -d 'Leave the targets of a rule alone. What they are owed waits until they are resumed'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "resume" -d 'Send to the targets of a rule again'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from targets" -f -a "list" -d 'List the targets of one rule, or of all'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "dump" -d 'Write rules, targets and event buses to a file of JSON Lines with a checksum. Events and dead letters are not in it'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "restore" -d 'Make a new store from a dump'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from dead-letters" -f -a "list" -d 'List dead letters, oldest first; `--output json` has all of each'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from dead-letters" -f -a "show" -d 'Show one dead letter with its event, as JSON'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from dead-letters" -f -a "redrive" -d 'Send events to their original targets again, as if they were accepted now, and take them out of the dead letters. The daemon does it, and is waited for; Ctrl-C ends it'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from dead-letters" -f -a "purge" -d 'Delete dead letters for good'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from events" -f -a "put" -d 'Put the events of a file, and print their ids'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from events" -f -a "show" -d 'Tell what happened to an event: when it was received, which rules took it, each attempt, and where each delivery stands'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from events" -f -a "unmatched" -d 'Tell of the latest events that no rule took, and why each rule of their event bus did not'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "next" -d 'Print when it fires next, one RFC 3339 time in UTC a line'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "explain" -d 'Say it in words'
complete -c eventyard -n "__fish_eventyard_using_subcommand help; and __fish_seen_subcommand_from input" -f -a "render" -d 'Print exactly what a target would be sent for an event, without a line break behind it'
