# Every resource of EventBridge that the daemon serves, as people write them. The variables are what an update changes.

variable "stage" {
  type        = string
  description = "Stands in all that can be updated in place."
}

resource "aws_cloudwatch_event_bus" "orders" {
  name        = "orders"
  description = "Orders of the shop, ${var.stage}"
  tags        = var.stage == "first" ? { stage = "first", trial = "yes" } : { stage = var.stage }
}

resource "aws_cloudwatch_event_bus_policy" "orders" {
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  policy         = data.aws_iam_policy_document.orders.json
}

data "aws_iam_policy_document" "orders" {
  statement {
    sid       = "partners"
    actions   = ["events:PutEvents"]
    resources = [aws_cloudwatch_event_bus.orders.arn]

    principals {
      type        = "AWS"
      identifiers = var.stage == "first" ? ["111122223333"] : ["111122223333", "444455556666"]
    }
  }
}

# On the default bus, so that it and the policy above do not fight over one document.
resource "aws_cloudwatch_event_permission" "everybody_of_the_organization" {
  statement_id = "organization"
  principal    = "*"

  condition {
    type  = "StringEquals"
    key   = "aws:PrincipalOrgID"
    value = var.stage == "first" ? "o-a1b2c3d4e5" : "o-f6a7b8c9d0"
  }
}

resource "aws_cloudwatch_event_rule" "placed" {
  name           = "placed"
  description    = "Orders that are placed, ${var.stage}"
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  role_arn       = "arn:aws:iam::000000000000:role/events"
  tags           = { stage = var.stage }

  event_pattern = jsonencode({
    source      = ["com.example.shop"]
    detail-type = ["Order Placed"]
    detail      = { stage = [var.stage], total = [{ numeric = [">", 10] }] }
  })
}

# The provider takes ARNs only, so no URL can be a target here.
resource "aws_cloudwatch_event_target" "audit" {
  rule           = aws_cloudwatch_event_rule.placed.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  target_id      = "audit"
  arn            = aws_cloudwatch_event_bus.audit.arn
  role_arn       = "arn:aws:iam::000000000000:role/${var.stage}"

  retry_policy {
    maximum_event_age_in_seconds = var.stage == "first" ? 60 : 3600
    maximum_retry_attempts       = var.stage == "first" ? 0 : 5
  }
}

resource "aws_cloudwatch_event_target" "queue" {
  rule           = aws_cloudwatch_event_rule.placed.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  target_id      = "queue"
  arn            = "arn:aws:sqs:us-east-1:000000000000:orders.fifo"

  sqs_target {
    message_group_id = var.stage
  }

  input_transformer {
    input_paths    = { total = "$.detail.total", id = "$.id" }
    input_template = "{\"stage\": \"${var.stage}\", \"total\": <total>, \"id\": <id>}"
  }

  dead_letter_config {
    arn = "arn:aws:sqs:us-east-1:000000000000:dead-${var.stage}"
  }
}

resource "aws_cloudwatch_event_target" "stream" {
  rule           = aws_cloudwatch_event_rule.placed.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  target_id      = "stream"
  arn            = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
  role_arn       = "arn:aws:iam::000000000000:role/${var.stage}"
  input_path     = var.stage == "first" ? "$.detail" : null

  kinesis_target {
    partition_key_path = var.stage == "first" ? "$.detail.customer" : "$.source"
  }
}

resource "aws_cloudwatch_event_target" "task" {
  rule           = aws_cloudwatch_event_rule.placed.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  target_id      = "task"
  arn            = "arn:aws:ecs:us-east-1:000000000000:cluster/orders"
  role_arn       = "arn:aws:iam::000000000000:role/${var.stage}"

  ecs_target {
    task_definition_arn = "arn:aws:ecs:us-east-1:000000000000:task-definition/report:1"
    task_count          = var.stage == "first" ? 1 : 2
    launch_type         = "FARGATE"
    platform_version    = "LATEST"
    propagate_tags      = "TASK_DEFINITION"
    tags                = { stage = var.stage }

    network_configuration {
      subnets          = ["subnet-1"]
      security_groups  = ["sg-1"]
      assign_public_ip = true
    }
  }
}

resource "aws_cloudwatch_event_target" "job" {
  rule           = aws_cloudwatch_event_rule.placed.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  target_id      = "job"
  arn            = "arn:aws:batch:us-east-1:000000000000:job-queue/orders"
  role_arn       = "arn:aws:iam::000000000000:role/${var.stage}"

  batch_target {
    job_definition = "report:1"
    job_name       = "report-${var.stage}"
    array_size     = 2
    job_attempts   = var.stage == "first" ? 1 : 3
  }
}

resource "aws_cloudwatch_event_target" "command" {
  rule      = aws_cloudwatch_event_rule.hourly.name
  target_id = "command"
  arn       = "arn:aws:ssm:us-east-1:000000000000:document/Report"
  role_arn  = "arn:aws:iam::000000000000:role/${var.stage}"

  run_command_targets {
    key    = "tag:stage"
    values = [var.stage]
  }
}

resource "aws_cloudwatch_event_target" "function" {
  rule      = aws_cloudwatch_event_rule.hourly.name
  target_id = "function"
  arn       = "arn:aws:lambda:us-east-1:000000000000:function:report"
  input     = jsonencode({ stage = var.stage })
}

resource "aws_cloudwatch_event_bus" "audit" {
  name = "audit"
}

resource "aws_cloudwatch_event_rule" "hourly" {
  name_prefix         = "hourly-"
  schedule_expression = var.stage == "first" ? "rate(1 hour)" : "cron(0 12 * * ? *)"
  state               = var.stage == "first" ? "DISABLED" : "ENABLED"
}
