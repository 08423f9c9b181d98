//! Environment variables of the commands: an empty one counts as one that is not set, as service managers and containers pass them.

use std::ffi::OsStr;

use clap::Command;

/// The command without the variables that are empty, in which clap would see values.
pub fn without_empty_variables(command: Command) -> Command {
    without_variables(command, |name| std::env::var_os(name).is_some_and(|value| value.is_empty()))
}

fn without_variables(command: Command, left_out: impl Fn(&OsStr) -> bool + Copy) -> Command {
    let command = command.mut_args(|argument| {
        let leave_out = argument.get_env().is_some_and(left_out);
        if leave_out { argument.env(None::<&'static str>) } else { argument }
    });
    command.mut_subcommands(|inner| without_variables(inner, left_out))
}

/// The variables of all options of a command and of its subcommands, sorted.
pub fn variables(command: &Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env()).map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<String> = own.chain(command.get_subcommands().flat_map(variables)).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    #[test]
    fn variables_are_left_out_of_all_subcommands() {
        let option = |name: &'static str, variable: &'static str| Arg::new(name).long(name).env(variable);
        let command = Command::new("x").arg(option("a", "TMS_A")).arg(Arg::new("b")).subcommand(
            Command::new("y").arg(option("c", "TMS_C")).subcommand(Command::new("z").arg(option("d", "TMS_D")).arg(option("a", "TMS_A"))),
        );
        assert_eq!(variables(&command), ["TMS_A", "TMS_C", "TMS_D"]);
        assert_eq!(variables(&without_variables(command.clone(), |name| name != "TMS_C")), ["TMS_C"]);
        assert_eq!(variables(&without_variables(command, |_| true)), Vec::<String>::new());
    }
}
