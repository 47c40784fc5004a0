//! The list of all clauses.

/// Defines a `#[test]` for each clause, on the [`Backend`](crate::Backend) with this path. The path must not be relative, since
/// the tests are in modules: `crate::Memory`, not `Memory`.
#[macro_export]
macro_rules! storage_contract {
    ($backend:ty) => {
        $crate::__storage_contract_tests! {
            $backend;
            archive {
                inserted_records_are_read_in_order
                records_are_stored_completely
                one_user_is_read_alone
                a_read_is_a_snapshot_and_blocks_no_writer
                a_read_stops_after_a_break {
                    after_a_user(1);
                    after_a_todo(2);
                }
                an_abandoned_insertion_leaves_nothing
                a_colliding_record_is_named_and_nothing_is_stored
                a_late_collision_is_named
            }
            concurrency {
                concurrent_insertions_of_one_address_insert_one_user
                concurrent_replacements_of_one_hash_replace_it_once
                concurrent_toggles_are_all_made
                concurrent_changes_of_different_fields_are_all_made
                concurrent_deletions_of_one_todo_succeed_once
                concurrent_changes_of_one_version_succeed_once
                concurrent_rotations_of_one_generation_succeed_once
                concurrent_batches_in_any_order_all_succeed
            }
            attempt_store {
                an_unknown_subject_has_no_failures
                an_attempt_counts_for_every_subject
                an_attempt_that_is_too_early_counts_for_no_subject
                a_refused_attempt_is_not_stored
                concurrent_attempts_cannot_exceed_the_limit
                a_success_resets_some_subjects_and_refunds_one_failure_of_others
                expired_entries_are_deleted
            }
            email_tokens {
                an_inserted_secret_is_found
                a_secret_replaces_the_previous_one_of_its_purpose
                a_repeated_reset_request_keeps_the_earlier_secret
                secrets_of_a_purpose_are_rate_limited
                concurrent_insertions_store_one_secret
                deleting_a_user_deletes_secrets
                a_password_reset_revokes_all_access
                an_expired_secret_changes_nothing
                a_verification_marks_the_address
                an_email_change_changes_the_address
                an_email_change_to_a_taken_address_is_refused
                concurrent_uses_of_a_secret_succeed_once {
                    password_reset($crate::domain::TokenPurpose::PasswordReset);
                    email_verification($crate::domain::TokenPurpose::EmailVerification);
                    email_change($crate::domain::TokenPurpose::EmailChange);
                    email_change_cancellation($crate::domain::TokenPurpose::EmailChangeCancellation);
                }
                expired_secrets_are_deleted
            }
            personal_access_tokens {
                an_inserted_token_is_found_by_its_digest
                a_token_without_a_user_is_refused
                the_number_of_valid_tokens_is_limited
                concurrent_insertions_cannot_exceed_the_limit_of_tokens
                a_deleted_token_is_invalid_on_every_instance
                a_token_of_another_user_is_not_found
                tokens_are_listed_newest_first
                deleting_a_user_deletes_tokens
                expired_tokens_are_deleted
                a_token_is_found_with_the_settings_of_its_user
                the_latest_use_of_a_token_is_recorded
                inserting_a_token_does_not_change_its_user
            }
            revocation {
                a_grant_after_a_revocation_fails {
                    session($crate::clauses::revocation::Grant::Session);
                    token($crate::clauses::revocation::Grant::Token);
                    verification_mail($crate::clauses::revocation::Grant::VerificationMail);
                    email_change_mail($crate::clauses::revocation::Grant::EmailChangeMail);
                    email_change($crate::clauses::revocation::Grant::EmailChange);
                }
                a_revocation_after_a_grant_deletes_it {
                    session($crate::clauses::revocation::Grant::Session);
                    token($crate::clauses::revocation::Grant::Token);
                    verification_mail($crate::clauses::revocation::Grant::VerificationMail);
                    email_change_mail($crate::clauses::revocation::Grant::EmailChangeMail);
                }
                a_grant_during_a_revocation_does_not_survive {
                    session($crate::clauses::revocation::Grant::Session);
                    token($crate::clauses::revocation::Grant::Token);
                    verification_mail($crate::clauses::revocation::Grant::VerificationMail);
                    email_change_mail($crate::clauses::revocation::Grant::EmailChangeMail);
                }
                an_ended_session_grants_nothing
                a_disabled_account_grants_nothing_until_it_is_enabled
                users_with_access_are_listed_in_pages
                a_former_address_is_no_proof
                tokens_survive_a_revocation_without_tokens
                a_pending_email_change_is_found_and_cancelled
                a_session_cancels_a_pending_email_change
                a_replaced_session_ends_when_the_new_one_starts
            }
            security_events {
                a_recorded_event_is_found
                events_of_the_user_are_listed_newest_first
                events_before_an_instant_are_deleted
                deleting_a_user_deletes_events
            }
            sessions {
                an_inserted_session_is_found
                a_session_without_a_user_is_refused
                a_session_is_deleted_once
                a_session_of_another_user_is_not_found
                all_sessions_but_one_are_revoked
                sessions_are_listed_newest_first
                a_deletion_is_visible_to_other_instances_at_once
                deleting_a_user_deletes_sessions
                ended_sessions_are_deleted
                a_session_is_found_with_the_settings_of_its_user
                the_latest_use_of_a_session_is_recorded
                a_rotation_increments_the_presented_generation
                the_least_recently_used_session_is_evicted
            }
            todo_batches {
                changes_are_made_in_order_with_one_outcome_each
                an_atomic_batch_with_a_missing_todo_changes_nothing
                a_batch_without_an_owner_is_refused
                a_thousand_todos_are_inserted_at_once
            }
            todo_idempotency {
                a_repeated_request_gets_the_first_answer {
                    insert($crate::clauses::todo_idempotency::Method::Insert);
                    apply($crate::clauses::todo_idempotency::Method::Apply);
                }
                another_request_with_the_same_key_is_refused {
                    insert_after_insert($crate::clauses::todo_idempotency::Method::Insert, $crate::clauses::todo_idempotency::Method::Insert);
                    insert_after_apply($crate::clauses::todo_idempotency::Method::Insert, $crate::clauses::todo_idempotency::Method::Apply);
                    apply_after_insert($crate::clauses::todo_idempotency::Method::Apply, $crate::clauses::todo_idempotency::Method::Insert);
                    apply_after_apply($crate::clauses::todo_idempotency::Method::Apply, $crate::clauses::todo_idempotency::Method::Apply);
                }
                another_user_may_use_the_same_key {
                    insert($crate::clauses::todo_idempotency::Method::Insert);
                    apply($crate::clauses::todo_idempotency::Method::Apply);
                }
                a_key_expires_after_a_day {
                    insert($crate::clauses::todo_idempotency::Method::Insert);
                    apply($crate::clauses::todo_idempotency::Method::Apply);
                }
                keys_before_an_instant_are_deleted {
                    insert($crate::clauses::todo_idempotency::Method::Insert);
                    apply($crate::clauses::todo_idempotency::Method::Apply);
                }
                a_failed_insertion_stores_no_key {
                    insert($crate::clauses::todo_idempotency::Method::Insert);
                    apply($crate::clauses::todo_idempotency::Method::Apply);
                }
                concurrent_requests_with_one_key_have_one_effect {
                    insert($crate::clauses::todo_idempotency::Method::Insert);
                    apply($crate::clauses::todo_idempotency::Method::Apply);
                }
                a_request_without_an_answer_fails
                a_failed_batch_stores_no_key
            }
            todo_lists {
                todos_are_listed_newest_first_then_by_descending_id
                a_page_has_one_more_than_its_limit_if_there_are_more
                list_and_count_equal_the_filter
                search_time_is_linear_for_adversarial_texts
                a_filter_may_have_twenty_tags
                every_order_equals_the_order_of_positions
                consecutive_pages_make_the_whole_list_despite_changes
                every_filter_equals_the_filter_of_the_domain
            }
            todo_quotas {
                the_number_of_todos_is_limited
                the_bytes_of_todos_are_limited
                a_batch_that_exceeds_a_quota_stores_nothing
                a_key_is_not_used_by_a_todo_that_exceeds_a_quota
                the_session_is_checked_before_the_quota
                concurrent_insertions_cannot_exceed_a_quota
            }
            todo_session_conditions {
                a_valid_session_gives_the_same_results_as_no_condition
                pages_are_equal_with_and_without_a_condition
                a_valid_session_learns_that_a_todo_does_not_exist
                an_unproven_session_reads_and_changes_nothing {
                    nothing($crate::clauses::todo_session_conditions::Stored::Nothing);
                    of_another_user($crate::clauses::todo_session_conditions::Stored::OfAnotherUser);
                    expired($crate::clauses::todo_session_conditions::Stored::Expired);
                    not_used_for_long($crate::clauses::todo_session_conditions::Stored::NotUsedForLong);
                    used_too_long_ago($crate::clauses::todo_session_conditions::Stored::UsedTooLongAgo);
                }
                a_deleted_session_reads_and_changes_nothing
                a_session_of_a_deleted_user_reads_and_changes_nothing
                no_statement_succeeds_after_the_deletion_of_its_session
            }
            todo_updates {
                an_update_equals_applying_the_change
                a_todo_of_another_version_is_not_changed
                an_update_changes_no_other_todo
            }
            todos {
                an_inserted_todo_is_found
                a_todo_without_an_owner_is_refused
                a_todo_of_another_user_is_not_found
                a_todo_is_deleted_once
                deleting_a_user_deletes_todos
                a_todo_of_another_version_is_not_deleted
            }
            users {
                an_inserted_user_is_found
                credentials_are_found_by_address
                an_unknown_user_is_not_found
                the_first_session_is_inserted_with_the_user
                a_taken_address_is_refused
                a_refused_insertion_leaves_the_storage_usable
                a_user_without_a_hash_or_a_name_is_found
                a_change_keeps_the_other_fields
                an_unknown_user_is_not_changed
                replacing_a_hash_changes_nothing_else
                a_stale_hash_is_not_replaced
                a_missing_hash_is_not_replaced
                credentials_are_found_by_id
                replacing_a_password_ends_all_sessions_but_one
                deleting_a_user_deletes_all_data_of_the_user
                bcrypt_hashes_are_found_until_the_last_is_replaced
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __storage_contract_tests {
    ($backend:ty; $($module:ident { $($clause:ident $({ $($case:ident($($argument:expr),+);)+ })?)+ })+) => {
        $(mod $module {
            $($crate::__storage_contract_test! {
                $backend; $module $clause $({ $($case($($argument),+);)+ })?
            })+
        })+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __storage_contract_test {
    ($backend:ty; $module:ident $clause:ident) => {
        #[test]
        fn $clause() {
            $crate::run::<$backend>($crate::clauses::$module::$clause);
        }
    };
    ($backend:ty; $module:ident $clause:ident { $($case:ident($($argument:expr),+);)+ }) => {
        mod $clause {
            $(#[test]
            fn $case() {
                $crate::run::<$backend>(|storage| {
                    $crate::clauses::$module::$clause(storage, $($argument),+);
                });
            })+
        }
    };
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    /// The clauses of the modules, and those of the list.
    #[test]
    fn every_clause_is_in_the_list() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clauses");
        let list: BTreeSet<&str> = include_str!("list.rs")
            .split(|character: char| !(character.is_alphanumeric() || character == '_'))
            .collect();
        let mut count = 0;
        for file in fs::read_dir(folder).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            for clause in text.split("\npub fn ").skip(1) {
                let (name, _) = clause.split_once('(').unwrap();
                assert!(list.contains(name), "{name} is not in the list");
                count += 1;
            }
        }
        assert!(count > 100, "{count}");
    }
}
