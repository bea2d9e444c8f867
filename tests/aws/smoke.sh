#!/usr/bin/env bash
#
# Plays the life of a binding in the account and Region that the AWS CLI points at: it deploys the
# provider and the example, waits for healthy targets, changes the ALB, asks for the status, deletes
# everything, and looks for what is left over.
#
#   make package && tests/aws/smoke.sh [ZIP]
#
#   ZIP              path of the package, by default the one of `make package` (or SMOKE_ZIP)
#   SMOKE_ARCH       x86_64 (default) or arm64: what the package was built for
#   SMOKE_EXAMPLE    yes (default): deploys cfn/example.yaml, with a VPC and Elastic IPs of its own, and
#                    sends HTTP requests to the fixed addresses from here. no: makes an NLB and two ALBs,
#                    all internal, in existing subnets, and needs no Elastic IPs
#   SMOKE_SUBNETS    with SMOKE_EXAMPLE=no: two subnets of one VPC in two zones, as "subnet-1 subnet-2";
#                    by default two of the default VPC
#   SMOKE_DNS        DNS servers that the function asks (DnsServers of cfn/provider.yaml); none by default
#   SMOKE_PAUSE      seconds from one look to the next while it waits, by default 5
#
# TIME. Ten minutes at most. After seven and a half it stops whatever it does and cleans up. A clean-up
# that is not complete after ten minutes makes the run fail, but may go on for five more, because load
# balancers that are left over cost money.
#
# COSTS. One NLB, two ALBs and two public addresses for ten minutes; at 2026's list prices well below
# half a US dollar, even where AWS bills whole hours. Nothing is kept: whatever fails, a trap deletes
# stacks, load balancers, security group, log group and code bucket. Everything has the name of the run,
# anb-smoke-<date>-<number>, and the last lines of the output list what may be left over.
#
# RIGHTS. To make and delete: CloudFormation stacks, S3 buckets, IAM roles (with iam:PassRole), Lambda
# functions, log groups, and load balancers; with the example also VPCs, subnets, gateways, routes,
# addresses and security groups; with SMOKE_EXAMPLE=no security groups only. To read: ec2:Describe*,
# elasticloadbalancing:Describe*, events:ListRules, logs:FilterLogEvents, s3:ListAllMyBuckets,
# tag:GetResources. And lambda:InvokeFunction. What the function itself needs is in its role.
#
# NOT ON AWS YET. Nobody has run this on AWS. It passes on the lab of tests/lab, with AWS_ENDPOINT_URL and
# SMOKE_EXAMPLE=no. The lab has no Elastic IPs, so it refuses the example. Its load balancers have no network
# interfaces, so the script does not compare the addresses after the change of the ALB. It has no health
# checks, so every target is healthy. Its ALBs have only the addresses that a DNS server in SMOKE_DNS makes
# up. So a run on the lab shows that steps, clean-up and function fit together, but nothing about the
# example, health or time. On MiniStack without the lab's gateway the change of the ALB fails: MiniStack
# does not show a resource as UPDATE_IN_PROGRESS, and the function does nothing for an Update that no stack
# waits for.

set -euo pipefail
# If the reader of the output is gone, the clean-up must still go on.
trap '' PIPE

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
zip=${1:-${SMOKE_ZIP:-$here/target/lambda/alb-nlb-binding/bootstrap.zip}}
architecture=${SMOKE_ARCH:-x86_64}
with_example=${SMOKE_EXAMPLE:-yes}
pause=${SMOKE_PAUSE:-5}

# All three are in seconds: WORK and TOTAL since the start, GRACE after TOTAL.
readonly WORK=450 TOTAL=600 GRACE=300
deadline=$WORK

name=anb-smoke-$(date -u +%m%d)-$RANDOM
provider=$name-provider
example=$name-example
binding=$name-binding
function=$name
albs=("$name-alb1" "$name-alb2")
nlb=$name-nlb
group=$name-alb
key="alb-nlb-binding.zip"
code='' # the bucket, once the account is known
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
failed=0
finished=0

export AWS_PAGER='' AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=4

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
tell() { sed 's/^/        /'; }
bad() {
    say "NOT as it should be: $*"
    failed=1
}
fail() {
    bad "$*"
    exit 1
}

# No call may hang for longer than a minute.
aws() {
    timeout 60 aws --output text --cli-connect-timeout 10 --cli-read-timeout 30 "$@"
}

# Prints what a query for one thing finds, and nothing if it finds none.
found() {
    local text
    text=$(aws "$@") || return
    if [[ $text != None ]]; then printf '%s' "$text"; fi
}

# wait_until WHAT COMMAND...: runs the command until it succeeds, and fails when the time is up.
wait_until() {
    local what=$1
    shift
    until "$@"; do
        if ((SECONDS + pause > deadline)); then
            say "out of time, waiting until $what"
            return 1
        fi
        sleep "$pause"
    done
}

# --- Stacks, by their names ---

status() {
    local told
    if told=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' 2>&1); then
        printf '%s' "$told"
    elif [[ $told == *'does not exist'* ]]; then
        printf GONE
    else
        # Any other error passes, or the deadline ends the run.
        printf UNKNOWN
    fi
}

is_settled() {
    settled=$(status "$1")
    [[ $settled != *_IN_PROGRESS && $settled != UNKNOWN ]]
}

# settle STACK STATUS...: waits until CloudFormation has finished, and fails if the stack then has none of these.
settle() {
    local stack=$1 settled=''
    shift
    wait_until "$stack is settled" is_settled "$stack" || return
    say "$stack is $settled"
    if [[ " $* " == *" $settled "* ]]; then return; fi
    aws cloudformation describe-stack-events --stack-name "$stack" \
        --query "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]" | tell
    return 1
}

# create STACK TEMPLATE PARAMETER...
create() {
    local stack=$1 template=$2
    shift 2
    say "stack $stack of cfn/$template"
    aws cloudformation create-stack --stack-name "$stack" --template-body "file://$here/cfn/$template" \
        --capabilities CAPABILITY_IAM --tags "Key=anb-smoke,Value=$name" --parameters "$@" >"$files/created"
}

# In the CLI's shorthand a comma ends a value, unless a backslash precedes it.
parameter() { printf 'ParameterKey=%s,ParameterValue=%s' "$1" "${2//,/\\,}"; }

output() {
    found cloudformation describe-stacks --stack-name "$1" \
        --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue | [0]"
}

resource() {
    found cloudformation describe-stack-resources --stack-name "$1" \
        --query "StackResources[?LogicalResourceId=='$2' && ResourceStatus=='CREATE_COMPLETE'].PhysicalResourceId | [0]"
}

is_made() { [[ -n $(resource "$1" "$2" 2>"$files/error") ]]; }

# A stack that is being changed may refuse to be deleted until it has settled.
is_deleting() {
    local state
    state=$(status "$1")
    case $state in
        GONE | DELETE_*) return 0 ;;
    esac
    aws cloudformation delete-stack --stack-name "$1" >"$files/created" 2>&1 || true
    return 1
}

delete_stack() {
    wait_until "stack $1 is being deleted" is_deleting "$1" || true
}

binding_of() {
    found cloudformation describe-stack-resources --stack-name "$1" \
        --query "StackResources[?LogicalResourceId=='Binding'].ResourceStatus | [0]" 2>"$files/error" || true
}

# The second try deletes what EC2 had not released at the first. A binding that cannot be deleted must keep
# neither the provider nor the load balancers from being deleted.
is_deleted() {
    settle "$1" DELETE_COMPLETE GONE && return
    if [[ $(status "$1") != DELETE_FAILED ]]; then return 1; fi
    if [[ $(binding_of "$1") == DELETE_FAILED ]]; then
        bad "stack $1 could not be deleted; once more without its binding"
        aws cloudformation delete-stack --stack-name "$1" --retain-resources Binding || true
    else
        say "stack $1 could not be deleted; once more"
        aws cloudformation delete-stack --stack-name "$1" || true
    fi
    settle "$1" DELETE_COMPLETE GONE
}

# --- Load balancers ---

# Prints nothing if there is none, and fails if it cannot know.
arn_of() {
    found elbv2 describe-load-balancers --names "$1" --query 'LoadBalancers[0].LoadBalancerArn' 2>"$files/error" ||
        grep -q LoadBalancerNotFound "$files/error"
}

# The ALB answers by itself, so that its health needs no instance.
make_alb() {
    local alb=$1 security_group=$2 arn
    shift 2
    say "internal ALB $alb"
    arn=$(aws elbv2 create-load-balancer --name "$alb" --type application --scheme internal \
        --subnets "$@" --security-groups "$security_group" --tags "Key=anb-smoke,Value=$name" \
        --query 'LoadBalancers[0].LoadBalancerArn')
    aws elbv2 create-listener --load-balancer-arn "$arn" --protocol HTTP --port 80 --default-actions \
        'Type=fixed-response,FixedResponseConfig={StatusCode=200,ContentType=text/plain,MessageBody=smoke}' \
        >"$files/created"
}

make_load_balancers() {
    local vpc cidr security_group subnets
    read -ra subnets <<<"${SMOKE_SUBNETS:-$(default_subnets)}"
    if ((${#subnets[@]} < 2)); then
        fail "no two subnets of a default VPC in two zones: name them in SMOKE_SUBNETS (given ${subnets[*]:-none})"
    fi
    vpc=$(aws ec2 describe-subnets --subnet-ids "${subnets[0]}" --query 'Subnets[0].VpcId')
    cidr=$(aws ec2 describe-vpcs --vpc-ids "$vpc" --query 'Vpcs[0].CidrBlock')
    say "load balancers in ${subnets[*]} of $vpc"
    security_group=$(aws ec2 create-security-group --vpc-id "$vpc" --group-name "$group" \
        --description 'ALBs of a smoke test' --query GroupId)
    # The source is the NLB while it does not preserve the client's address.
    aws ec2 authorize-security-group-ingress --group-id "$security_group" --protocol tcp --port 80 \
        --cidr "$cidr" >"$files/created"
    say "internal NLB $nlb"
    aws elbv2 create-load-balancer --name "$nlb" --type network --scheme internal --subnets "${subnets[@]}" \
        --tags "Key=anb-smoke,Value=$name" >"$files/created"
    for alb in "${albs[@]}"; do make_alb "$alb" "$security_group" "${subnets[@]}"; done
}

# Prints one subnet of the default VPC in each of two zones.
default_subnets() {
    aws ec2 describe-subnets --filters Name=default-for-az,Values=true \
        --query 'Subnets[].[AvailabilityZone, SubnetId]' | sort -u -k1,1 | head -n 2 | cut -f2 | tr '\n' ' '
}

# Prints the private addresses of an ALB, which its network interfaces have.
addresses_of() {
    aws ec2 describe-network-interfaces --filters "Name=description,Values=ELB ${1#*:loadbalancer/}" \
        --query 'NetworkInterfaces[].PrivateIpAddress' | tr '\t' '\n' | sort
}

targets_of() {
    aws elbv2 describe-target-health --target-group-arn "$1" \
        --query 'TargetHealthDescriptions[].[Target.Id, Target.Port, TargetHealth.State, TargetHealth.Reason]' | sort
}

show_targets() { targets_of "$1" | tell; }

are_healthy() {
    local states
    states=$(targets_of "$1" | cut -f3) || return
    [[ -n $states ]] && ! grep -qvx healthy <<<"$states"
}

# have GROUP ADDRESS...: succeeds if all of the addresses are registered in the group.
have() {
    local registered
    registered=$(targets_of "$1" | awk '$3 != "draining" { print $1 }') || return
    shift
    for address in "$@"; do grep -qxF "$address" <<<"$registered" || return; done
}

# --- What may be left over ---

# Prints everything that has a binding's name, one a line. Listeners have only tags: `tagged` finds them, but
# the tagging service still names for a while what has been deleted.
bindings_things() {
    aws elbv2 describe-target-groups --query "TargetGroups[?starts_with(TargetGroupName, 'anb-')].TargetGroupName" |
        tr '\t' '\n' | sed '/^$/d; s/^/target group /'
    aws events list-rules --name-prefix alb-nlb-binding- --query 'Rules[].Name' |
        tr '\t' '\n' | sed '/^$/d; s/^/rule /'
    aws s3api list-buckets --query "Buckets[?starts_with(Name, 'alb-nlb-binding-')].Name" |
        tr '\t' '\n' | sed '/^$/d; /^None$/d; s/^/bucket /'
}

tagged() {
    aws resourcegroupstaggingapi get-resources --tag-filters Key=alb-nlb-binding \
        --query 'ResourceTagMappingList[].ResourceARN' | tr '\t' '\n' | sed '/^$/d'
}

# Prints what this run made and has not deleted.
own_things() {
    local state arn
    for stack in "$binding" "$example" "$provider"; do
        state=$(status "$stack")
        if [[ $state != GONE && $state != DELETE_COMPLETE ]]; then echo "stack $stack ($state)"; fi
    done
    for load_balancer in "$nlb" "${albs[@]}"; do
        arn=$(arn_of "$load_balancer") || arn='NOT LOOKED FOR'
        if [[ -n $arn ]]; then echo "load balancer $load_balancer ($arn)"; fi
    done
    aws ec2 describe-security-groups --filters "Name=group-name,Values=$group" --query 'SecurityGroups[].GroupId' |
        sed '/^$/d; s/^/security group /'
    aws logs describe-log-groups --log-group-name-prefix "/aws/lambda/$function" --query 'logGroups[].logGroupName' |
        sed '/^$/d; s/^/log group /'
    if [[ -n $code ]] && aws s3api head-bucket --bucket "$code" >"$files/created" 2>&1; then echo "bucket $code"; fi
}

# --- Clean-up, in an order that CloudFormation and EC2 accept ---

delete_load_balancer() {
    local arn
    wait_until "it is known whether there is $1" arn_of "$1" >"$files/arn" || return
    arn=$(tail -n 1 "$files/arn")
    if [[ -n $arn ]]; then
        say "deleting load balancer $1"
        aws elbv2 delete-load-balancer --load-balancer-arn "$arn"
    fi
}

# EC2 takes a minute or two to release the ALBs' network interfaces.
is_group_gone() {
    local id
    id=$(aws ec2 describe-security-groups --filters "Name=group-name,Values=$group" \
        --query 'SecurityGroups[].GroupId' 2>"$files/error") || return
    [[ -z $id ]] || aws ec2 delete-security-group --group-id "$id" >"$files/created" 2>&1
}

delete_all() {
    local deleted=0
    say 'deleting the binding'
    delete_stack "$binding"
    is_deleted "$binding" || deleted=1
    # The load balancers go before the example, because they may be in its subnets.
    for load_balancer in "${albs[@]}" "$nlb"; do delete_load_balancer "$load_balancer" || deleted=1; done
    if [[ $with_example == yes ]]; then
        say 'deleting the example'
        delete_stack "$example"
        is_deleted "$example" || deleted=1
    else
        wait_until "security group $group is gone" is_group_gone || deleted=1
    fi
    say 'deleting the provider'
    delete_stack "$provider"
    is_deleted "$provider" || deleted=1
    # The stack deletes the log group. If it came back, this deletes it.
    aws logs delete-log-group --log-group-name "/aws/lambda/$function" >"$files/created" 2>&1 || true
    if [[ -n $code ]] && aws s3api head-bucket --bucket "$code" >"$files/created" 2>&1; then
        say "deleting bucket $code"
        aws s3 rb --force "s3://$code" | tell || deleted=1
    fi
    return "$deleted"
}

look_for_leftovers() {
    local left
    say 'what is left over'
    left=$(own_things)
    if [[ -e $files/before ]]; then
        left+=$'\n'$(comm -13 "$files/before" <(bindings_things | sort))
    fi
    left=$(sed '/^$/d' <<<"$left")
    if [[ -n $left ]]; then
        tell <<<"$left"
        bad 'the above is left over (or another binding was made in this Region meanwhile)'
    else
        echo 'no stack, load balancer, log group or bucket of this run; no target group anb-*,' \
            'rule or bucket alb-nlb-binding-* that was not there before' | tell
    fi
    if [[ -e $files/tagged ]] && tagged 2>"$files/error" | sort >"$files/tagged-now"; then
        left=$(comm -13 "$files/tagged" "$files/tagged-now")
        if [[ -n $left ]]; then
            echo 'still named by the tagging service, which lags behind:' | tell
            tell <<<"$left"
        fi
    else
        echo 'tagged resources: NOT LOOKED FOR, the tagging service cannot be asked' | tell
    fi
}

# shellcheck disable=SC2317,SC2329 # the trap calls it
close() {
    local code_of_the_run=$?
    # A second Ctrl-C must not stop the clean-up.
    trap '' HUP INT TERM
    trap - EXIT
    set +e
    if ((code_of_the_run != 0)); then failed=1; fi
    if ((!finished)); then
        say 'stopped; cleaning up'
        aws logs filter-log-events --log-group-name "/aws/lambda/$function" --query 'events[-20:].[message]' \
            2>"$files/error" | cut -c1-500 | tell
        deadline=$((TOTAL + GRACE))
        delete_all || failed=1
    fi
    look_for_leftovers
    rm -rf "$files"
    if ((SECONDS > TOTAL)); then bad "it took longer than $TOTAL seconds"; fi
    if ((failed)); then
        say 'FAILED'
        exit 1
    fi
    say 'all as it should be'
}

# --- The life ---

command -v aws >"$files/created" || fail 'the AWS CLI is missing'
[[ $with_example != yes ]] || command -v curl >"$files/created" || fail 'curl is missing'
[[ -f $zip ]] || fail "no package at $zip: run make package, or name one"
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
[[ -n $region ]] || fail 'no Region: set AWS_REGION'
# Version 2 of the CLI reads both, version 1 only the second.
export AWS_REGION=$region AWS_DEFAULT_REGION=$region
account=$(aws sts get-caller-identity --query Account)
say "run $name in account $account, Region $region${AWS_ENDPOINT_URL:+, at $AWS_ENDPOINT_URL}"
bindings_things | sort >"$files/before"
if ! tagged 2>"$files/error" | sort >"$files/tagged"; then rm -f "$files/tagged"; fi

trap close EXIT
trap 'exit 130' HUP INT TERM

code=$name-$account
say "bucket $code for $zip ($(wc -c <"$zip") bytes)"
aws s3 mb "s3://$code" | tell
aws s3 cp --only-show-errors "$zip" "s3://$code/$key"

create "$provider" provider.yaml "$(parameter CodeBucket "$code")" "$(parameter CodeKey "$key")" \
    "$(parameter Architecture "$architecture")" "$(parameter FunctionName "$function")" \
    "$(parameter LogRetentionInDays 1)" "$(parameter DnsServers "${SMOKE_DNS:-}")"
# Load balancers take minutes, so they are made while CloudFormation makes the provider.
if [[ $with_example != yes ]]; then make_load_balancers; fi
settle "$provider" CREATE_COMPLETE || fail 'the provider was not made'

if [[ $with_example == yes ]]; then
    create "$example" example.yaml "$(parameter ProviderStack "$provider")"
    # The second ALB is made in the example's subnets while the example's own is still provisioning.
    for logical_id in SubnetA SubnetB AlbSecurityGroup; do
        wait_until "$logical_id is made" is_made "$example" "$logical_id" || fail "no $logical_id"
    done
    make_alb "${albs[1]}" "$(resource "$example" AlbSecurityGroup)" \
        "$(resource "$example" SubnetA)" "$(resource "$example" SubnetB)"
    settle "$example" CREATE_COMPLETE || fail 'the example was not made'
    example_group=$(output "$example" TargetGroupArn)
    first=$(resource "$example" Alb)
    front=$(resource "$example" Nlb)
else
    first=$(arn_of "${albs[0]}")
    front=$(arn_of "$nlb")
fi
second=$(arn_of "${albs[1]}")

# The binding uses port 8080, because the example's own listener has port 80.
parameters() {
    parameter ProviderStack "$provider"
    printf '\n'
    parameter AlbArn "$1"
    printf '\n'
    parameter NlbArn "$front"
    printf '\nParameterKey=Port,ParameterValue=8080\nParameterKey=AlbPort,ParameterValue=80\n'
}
mapfile -t given < <(parameters "$first")
create "$binding" binding.yaml "${given[@]}"
settle "$binding" CREATE_COMPLETE || fail 'the binding was not made'
id=$(output "$binding" BindingId)
target_group=$(output "$binding" TargetGroupArn)
say "binding $id, $(output "$binding" IpCount) addresses"

if [[ $with_example == yes ]]; then
    wait_until "the example's targets are healthy" are_healthy "$example_group" || fail 'they are not'
    show_targets "$example_group"
    for address in $(output "$example" FixedAddresses | tr ',' ' '); do
        say "http://$address/"
        wait_until 'it answers' curl --silent --fail --max-time 5 "http://$address/" || fail 'it does not answer'
        echo
    done
else
    wait_until 'the targets are healthy' are_healthy "$target_group" || fail 'they are not'
    show_targets "$target_group"
fi

say "changing the ALB to ${second#*:loadbalancer/}"
mapfile -t given < <(parameters "$second")
aws cloudformation update-stack --stack-name "$binding" --use-previous-template --capabilities CAPABILITY_IAM \
    --parameters "${given[@]}" >"$files/created"
settle "$binding" UPDATE_COMPLETE || fail 'the ALB was not changed'
mapfile -t addresses < <(addresses_of "$second")
if ((${#addresses[@]} == 0)); then
    say 'NOT COMPARED with the ALB: it shows no network interfaces'
else
    wait_until "${addresses[*]} are registered" have "$target_group" "${addresses[@]}" ||
        fail "not all of ${addresses[*]} are registered"
fi
# The addresses of the first ALB leave after three missed ticks, for which there is no time here.
show_targets "$target_group"

say 'the status'
printf '{"Action": "Status", "PhysicalResourceId": "%s"}' "$id" >"$files/status"
if error=$(aws lambda invoke --function-name "$function" --payload "fileb://$files/status" \
    --query FunctionError "$files/answer") && [[ $error == None ]]; then
    head -c 2000 "$files/answer" | tell
    echo
elif grep -q 'expected an event of' "$files/answer"; then
    say 'NOT TOLD: this version of the function does not know the action Status'
else
    head -c 500 "$files/answer" | tell
    echo
    bad 'the function does not tell the status'
fi
say 'what the ticks logged'
aws logs filter-log-events --log-group-name "/aws/lambda/$function" --filter-pattern addresses \
    --query 'events[-3:].[message]' | cut -c1-500 | tell

deadline=$((TOTAL + GRACE))
delete_all || bad 'not everything could be deleted'
finished=1
